using Consensus.Server.Audit;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Commands;

/// <summary>
/// What a command is handed over with, so that its request may be sent again: the identity and, in place of its body, the fingerprint. A request that waits for long keeps no body, of
/// which up to 1.5 MiB may be blanks.
/// </summary>
/// <param name="Key">Empty when the request has none.</param>
/// <param name="Session">Its number in a session; none when it has none.</param>
/// <param name="Fingerprint">Empty when it has neither.</param>
internal readonly record struct RequestMark(ReadOnlyMemory<byte> Key, SessionRequest Session, ReadOnlyMemory<byte> Fingerprint)
{
    /// <summary>Whose request it is: what another asks under the same identity is another request.</summary>
    public Actor Actor { get => field ?? Actor.Nobody; init; }

    /// <summary>What is recorded of its request; null: nothing.</summary>
    public AuditedRequest? Audit { get; init; }

    /// <param name="body">As it was sent.</param>
    public static RequestMark Of(ApiCall call, RequestIdentity identity, ReadOnlySpan<byte> body) => identity.IsNone
        ? new RequestMark { Actor = call.Actor, Audit = call.Audit }
        : new RequestMark(identity.Key, identity.Session, RequestIdentity.Fingerprint(call, body)) { Actor = call.Actor, Audit = call.Audit };
}
