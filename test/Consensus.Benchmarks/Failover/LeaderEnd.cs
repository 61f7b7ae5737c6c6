namespace Consensus.Benchmarks.Failover;

/// <summary>How a leader is ended.</summary>
internal enum LeaderEnd
{
    /// <summary>kill -9: the others find out for themselves.</summary>
    Kill,

    /// <summary>SIGTERM: it may hand its leadership over before it ends.</summary>
    Stop,
}

internal static class LeaderEndNames
{
    public static readonly IReadOnlyList<LeaderEnd> All = [LeaderEnd.Kill, LeaderEnd.Stop];

    /// <summary>The name on the command line and in the table.</summary>
    public static string NameOf(LeaderEnd way) => way switch
    {
        LeaderEnd.Kill => "kill",
        LeaderEnd.Stop => "stop",
        _ => throw new ArgumentOutOfRangeException(nameof(way)),
    };
}
