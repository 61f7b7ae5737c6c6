using System.Collections.Immutable;

namespace Consensus.StateMachine.Outcomes;

/// <summary>What an outcome granted.</summary>
public static class Grants
{
    /// <summary>The holds, those of several locks in the order asked; empty of any other outcome.</summary>
    public static ImmutableArray<Hold> Of(Outcome? outcome) => outcome switch
    {
        HoldGranted one => [one.Hold],
        ManyGranted many => many.Holds,
        _ => [],
    };
}
