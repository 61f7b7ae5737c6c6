namespace Consensus.Server.Documents;

/// <summary>An answer that is described once and written in either form: one with keys and values, which are bytes.</summary>
internal interface IDocument
{
    void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IDocumentWriter, allows ref struct;
}

/// <summary>
/// One form of documents. Implemented by structs and called through type parameters, so that each form has code of its own, and JSON
/// costs what it does without another form beside it.
/// </summary>
internal interface IDocumentWriter
{
    /// <summary>
    /// Of JSON what was written so far, in bytes; 0 of a form in which nothing is escaped, and so nothing becomes larger than it is.
    /// </summary>
    long EscapedBytes { get; }

    /// <param name="fields">That follow before <see cref="EndObject"/>.</param>
    void BeginObject(int fields);

    void EndObject();

    /// <param name="items">That follow before <see cref="EndArray"/>.</param>
    void BeginArray(FieldName name, int items);

    void EndArray();

    /// <summary>Begins an array whose end is not known yet. Not within another one of this kind.</summary>
    void BeginItems(FieldName name);

    /// <param name="items">How many there were.</param>
    void EndItems(int items);

    /// <summary>The name of a field whose value, an object, follows.</summary>
    void Name(FieldName name);

    void Number(FieldName name, long value);

    void Flag(FieldName name, bool value);

    /// <param name="value">Null is written as such.</param>
    void Text(FieldName name, string? value);

    /// <summary>Bytes that are mostly a text, the name of a key: a text where they are UTF-8.</summary>
    void TextOrBytes(FieldName name, ReadOnlySpan<byte> bytes);

    /// <summary>Bytes of any kind, a value: as they are where the form has such.</summary>
    void Bytes(FieldName name, ReadOnlySpan<byte> bytes);
}
