using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Security.Generations;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Links;

/// <summary>What all outgoing links of a transport share.</summary>
/// <param name="Handshake">The judge as of now: the set of peers changes.</param>
/// <param name="Whereabouts">host:port of members that an operator says to be elsewhere than the log does.</param>
/// <param name="Notices">For what an operator must not miss of one link, however much is said of others; each link limits its own.</param>
/// <param name="Heard">Told what a peer that welcomed us says of where others are.</param>
/// <param name="Tls">Null: links are plain.</param>
/// <param name="Renewal">When a link of TLS is dialled anew.</param>
/// <param name="Fatal">Ends the process.</param>
internal sealed record LinkSettings(
    PeerIdentity Self,
    Func<FormedHandshake> Handshake,
    PeerDialer Dialer,
    IReadOnlyDictionary<MemberId, string> Whereabouts,
    Action<IReadOnlyList<KnownMember>> Heard,
    IPeerEvents Events,
    RateLimitedLog Log,
    TransportLog Notices,
    TimeProvider Time,
    TimeSpan RedialFirst,
    TimeSpan RedialLongest,
    int MaxQueuedBytes,
    int MaxFrameBytes,
    ITlsSource? Tls,
    RenewalLimits Renewal,
    Action<string, Exception?> Fatal);
