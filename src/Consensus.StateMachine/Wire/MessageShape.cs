using Consensus.Primitives;

namespace Consensus.StateMachine.Wire;

/// <summary>
/// The fields of one message: each is declared once, by name, with its number and its kind, and the same name writes and reads it. A table declares the shape of its
/// records beside the two methods that use it.
/// </summary>
/// <param name="what">What the message is, for the sentence that refuses a damaged one.</param>
internal sealed class MessageShape(string what)
{
    private readonly char[] _kinds = [.. Enumerable.Repeat('-', Fields.MaxFields)];

    public string What => what;

    /// <summary>One letter for each field number from 1 on, as <see cref="Fields"/> reads them.</summary>
    public ReadOnlySpan<char> Kinds => _kinds;

    /// <summary>A varint: a count, a time, a revision, a flag.</summary>
    public int Number(int field) => Add(field, 'v');

    /// <summary>Eight bytes: an id, which is random.</summary>
    public int Id(int field) => Add(field, 'f');

    /// <summary>Eight bytes of which the first bit may be set.</summary>
    public int Hash(int field) => Add(field, 'h');

    public int Bytes(int field) => Add(field, 'b');

    public int Text(int field) => Add(field, 'b');

    public int Message(int field) => Add(field, 'b');

    /// <summary>Repeated varints, not packed; one field of a message at most is repeated numbers.</summary>
    public int Numbers(int field) => Add(field, 'N');

    /// <summary>Repeated messages; one field of a message at most is.</summary>
    public int Messages(int field) => Add(field, 'B');

    private int Add(int field, char kind)
    {
        Invariant.Require(_kinds[field - 1] == '-', "a field has one name");
        _kinds[field - 1] = kind;
        return field;
    }
}
