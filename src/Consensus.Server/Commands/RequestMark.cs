using Consensus.Server.Routing;

namespace Consensus.Server.Commands;

/// <summary>
/// What a command is handed over with, so that its request may be sent again: the identity and, in place of its body, the fingerprint. A request that waits for long keeps no body, of
/// which up to 1.5 MiB may be blanks.
/// </summary>
/// <param name="Key">Empty when the request has none; then so is the fingerprint.</param>
internal readonly record struct RequestMark(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Fingerprint)
{
    /// <param name="body">As it was sent.</param>
    public static RequestMark Of(ApiCall call, RequestIdentity identity, ReadOnlySpan<byte> body) =>
        identity.IsNone ? default : new RequestMark(identity.Key, RequestIdentity.Fingerprint(call, body));
}
