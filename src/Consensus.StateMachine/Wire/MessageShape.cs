using Consensus.Primitives;

namespace Consensus.StateMachine.Wire;

/// <summary>What a field holds, as it is on the wire. Numbers are never negative in our formats, save a hash.</summary>
internal enum FieldKind : byte
{
    None = 0,
    Number,
    Id,
    Hash,
    Bytes,
    Numbers,
    Ids,
    Messages,
}

/// <summary>
/// The fields of one message: each is declared once, by name, with its number and its kind, and the same name writes and reads it. A table declares the shape of its
/// records, and a command's codec that of the command, beside the two methods that use it.
/// </summary>
/// <param name="what">What the message is, for the sentence that refuses a damaged one.</param>
internal sealed class MessageShape(string what)
{
    private readonly FieldKind[] _kinds = new FieldKind[Fields.MaxFields];

    public string What => what;

    /// <summary>Of the field numbers from 1 on.</summary>
    public ReadOnlySpan<FieldKind> Kinds => _kinds;

    /// <summary>A varint: a count, a time, a revision, a flag.</summary>
    public int Number(int field) => Add(field, FieldKind.Number);

    /// <summary>Eight bytes: an id, which is random.</summary>
    public int Id(int field) => Add(field, FieldKind.Id);

    /// <summary>Eight bytes of which the first bit may be set.</summary>
    public int Hash(int field) => Add(field, FieldKind.Hash);

    public int Bytes(int field) => Add(field, FieldKind.Bytes);

    public int Text(int field) => Add(field, FieldKind.Bytes);

    public int Message(int field) => Add(field, FieldKind.Bytes);

    /// <summary>Repeated varints, not packed; one field of a message at most is repeated numbers.</summary>
    public int Numbers(int field) => Add(field, FieldKind.Numbers);

    /// <summary>Repeated ids, not packed; as of <see cref="Numbers"/>.</summary>
    public int Ids(int field) => Add(field, FieldKind.Ids);

    /// <summary>Repeated messages, or bytes; one field of a message at most is.</summary>
    public int Messages(int field) => Add(field, FieldKind.Messages);

    private int Add(int field, FieldKind kind)
    {
        Invariant.Require(_kinds[field - 1] == FieldKind.None, "a field has one name");
        _kinds[field - 1] = kind;
        return field;
    }
}
