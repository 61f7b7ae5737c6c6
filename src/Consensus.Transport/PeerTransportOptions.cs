using System.Collections.Immutable;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Security.Generations;
using Consensus.Transport.Links;

namespace Consensus.Transport;

/// <summary>Who this member is, and the limits of its peer links.</summary>
public sealed record PeerTransportOptions
{
    /// <summary>Of the data directory, formed.</summary>
    public required DirectoryIdentity Identity { get; init; }

    /// <summary>A random positive number, new with each process: peers tell by it that this is another process than before.</summary>
    public required long Boot { get; init; }

    /// <summary>host:port that the others dial.</summary>
    public required string AdvertisedAddress { get; init; }

    /// <summary>host:port of members that an operator says to be elsewhere than the log does: they are dialled there first.</summary>
    public IReadOnlyDictionary<MemberId, string> Whereabouts { get; init; } = ImmutableDictionary<MemberId, string>.Empty;

    /// <summary>What this member shows to the others and whom it believes; null: links are plain. The listener has the same one.</summary>
    public ITlsSource? Tls { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public TransportLog Log { get; init; } = (_, _) => { };

    /// <summary>A thread failed: must end the process.</summary>
    public Action<string, Exception?> Fatal { get; init; } = GuardedThread.FailFast;

    /// <summary>Bytes that wait for one link; a frame that would exceed it is dropped. The last tenth is for urgent frames.</summary>
    public int MaxQueuedBytesPerLink { get; init; } = 32 * 1024 * 1024;

    /// <summary>Bytes of one frame. All members must agree on it.</summary>
    public int MaxFrameBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>For a connection to stand.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>For the answer to Hello.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>When a link of TLS is dialled anew; a test's may be sooner.</summary>
    internal RenewalLimits Renewal { get; init; } = new();

    public TimeSpan RedialFirst { get; init; } = TimeSpan.FromMilliseconds(20);

    public TimeSpan RedialLongest { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A snapshot transfer without progress for so long failed.</summary>
    public TimeSpan SnapshotStall { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the receiver of a snapshot may take, after its last byte, to check it and make it durable.</summary>
    public TimeSpan SnapshotAckTimeout { get; init; } = TimeSpan.FromMinutes(5);
}
