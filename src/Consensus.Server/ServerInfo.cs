using Consensus.Api;
using Consensus.Server.Audit;
using Consensus.Server.Hosting;
using Consensus.Server.Tls;
using Consensus.Storage.Encryption;

namespace Consensus.Server;

/// <summary>What the endpoints need to know of this server beside its node.</summary>
public sealed record ServerInfo
{
    public required string Version { get; init; }

    /// <summary>Allowed to listen beyond loopback without TLS and access control.</summary>
    public bool Insecure { get; init; }

    /// <summary>TLS of the client port, with which every caller is asked who he is; null: plain HTTP, and nobody is asked.</summary>
    public ServerTls? Tls { get; init; }

    /// <summary>A new cluster judges rights from its first entries on: nobody is served before this member has applied them.</summary>
    public bool AwaitsForming { get; init; }

    /// <summary>The smallest TTL that is granted.</summary>
    public long MinTtlMicros { get; init; } = ApiLimits.DefaultMinTtlMicros;

    /// <summary>Most event streams of this member at a time.</summary>
    public int MaxWatches { get; init; } = 20_000;

    /// <summary>What bodies that have not come whole yet may hold of this member's memory, all together.</summary>
    public long MaxUnfinishedBodyBytes { get; init; } = MemoryPlan.OfThisProcess.UnfinishedBodies;

    /// <summary>What requests over HTTP/2 and their small answers may hold, beyond one of each connection, all together.</summary>
    public long MaxStreamBytes { get; init; } = MemoryPlan.OfThisProcess.Streams;

    /// <summary>What large answers that their clients have not taken yet may hold, all together.</summary>
    public long MaxUnsentAnswerBytes { get; init; } = MemoryPlan.OfThisProcess.Answers;

    /// <summary>What messages that are kept for watches may hold; and as much again those that their clients have not taken.</summary>
    public long MaxWatchMessageBytes { get; init; } = MemoryPlan.OfThisProcess.WatchMessages;

    /// <summary>
    /// How long an unfinished body is waited for. Together with the time that a command may wait for a leader this stays below the time for which an answer that changed nothing is
    /// kept (<see cref="StateMachine.Limits.BriefKeepMicros"/>): an attempt whose body came late must still find it.
    /// </summary>
    public TimeSpan BodyTimeLimit { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Host names beside those of loopback under which clients may ask; <c>*</c> allows any (rule 27).</summary>
    public IReadOnlyList<string> HostNames { get; init; } = [];

    /// <summary>Whose file system is watched for room; null: none is.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>What the member's data is sealed with; null: it is plain.</summary>
    public KeyRing? Keys { get; init; }

    /// <summary>Where what is asked for is recorded; null: nowhere.</summary>
    internal AuditTrail? Audit { get; init; }

    /// <summary>Listens on 0.0.0.0 or ::, so that the address a connection arrived at is a name of ours too.</summary>
    public bool ListensOnAnyAddress { get; init; }
}
