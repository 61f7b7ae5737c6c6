using Consensus.StateMachine;

namespace Consensus.Server.Watches;

internal enum WatchKind
{
    /// <summary>One key.</summary>
    Key,

    /// <summary>All keys with a prefix; empty: all keys.</summary>
    Prefix,

    /// <summary>The leader of one election.</summary>
    Election,
}

/// <summary>What a watch is told of: watches with the same target are told the same, byte for byte.</summary>
/// <param name="WithPrevious">Each event comes with the key before it.</param>
internal readonly record struct WatchTarget(WatchKind Kind, Key Name, bool WithPrevious)
{
    public bool Matches(Change change) => (Kind, change) switch
    {
        (WatchKind.Key, KeyChange key) => key.Key == Name,
        (WatchKind.Prefix, KeyChange key) => key.Key.StartsWith(Name),
        (WatchKind.Election, ElectionChange election) => election.Name == Name,
        _ => false,
    };
}
