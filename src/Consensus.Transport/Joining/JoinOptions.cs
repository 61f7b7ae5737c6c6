using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Security.Generations;

namespace Consensus.Transport.Joining;

/// <summary>What a process knows that was started to join a cluster.</summary>
public sealed record JoinOptions
{
    /// <summary>Of the data directory; need not be formed.</summary>
    public required DirectoryIdentity Identity { get; init; }

    /// <summary>As <see cref="PeerTransportOptions.Boot"/>.</summary>
    public required long Boot { get; init; }

    /// <summary>host:port that the members shall dial.</summary>
    public required string AdvertisedAddress { get; init; }

    /// <summary><c>--join</c>: host:port of some of the members.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>
    /// While a member with another data directory has this process's name, it waits until that one is removed, and says so; else it refuses to go on. For a process that a
    /// supervisor starts again and again.
    /// </summary>
    public bool WaitsForItsName { get; init; }

    /// <summary>As <see cref="PeerTransportOptions.Tls"/>; any member of the own domain may answer.</summary>
    public ITlsSource? Tls { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Is told every few calls what each address said, as long as nobody has told the cluster; later, what changes.</summary>
    public TransportLog Log { get; init; } = (_, _) => { };

    /// <summary>As <see cref="PeerTransportOptions.Fatal"/>.</summary>
    public Action<string, Exception?> Fatal { get; init; } = GuardedThread.FailFast;

    /// <summary>Between one round of calls and the next.</summary>
    public TimeSpan CallEvery { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(1);
}
