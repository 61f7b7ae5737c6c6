using Consensus.Primitives.Wire;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Wire;

/// <summary>The message <c>AccessRule</c>, of <c>commands.proto</c> and of <c>snapshot.proto</c>.</summary>
internal static class AccessRuleCodec
{
    private static readonly MessageShape Shape = new("a rule of a role");
    private static readonly int VerbsField = Shape.Number(1);
    private static readonly int SpacesField = Shape.Number(2);
    private static readonly int Name = Shape.Bytes(3);
    private static readonly int IsPrefix = Shape.Number(4);

    /// <param name="field">Of the message that it is a part of.</param>
    public static void Write(WireWriter writer, int field, in AccessRule rule)
    {
        var start = writer.BeginMessage(field);
        writer.Int64(VerbsField, (long)rule.Verbs);
        writer.Int64(SpacesField, (long)rule.Spaces);
        writer.Bytes(Name, rule.Name.Bytes);
        writer.Bool(IsPrefix, rule.IsPrefix);
        writer.EndMessage(start);
    }

    /// <summary>
    /// Throws <see cref="WireFormatException"/> for a rule that says nothing, or something that this version does not know (rule 12).
    /// </summary>
    public static AccessRule Read(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Shape);
        var (verbs, spaces) = (fields.Number(VerbsField), fields.Number(SpacesField));
        var rule = new AccessRule((Verbs)verbs, (Spaces)spaces, fields.Key(Name), fields.Flag(IsPrefix));
        return rule.IsValid && verbs <= int.MaxValue && spaces <= int.MaxValue
            ? rule
            : throw new WireFormatException("a rule that says nothing, or what this version does not know");
    }
}
