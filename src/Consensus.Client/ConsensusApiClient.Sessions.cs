using Consensus.Api.Leases;
using Consensus.Client.Sessions;

namespace Consensus.Client;

/// <summary>A session is a lease with a table of answers: its client numbers its writes (<see cref="Under(WriteNumber)"/>).</summary>
public sealed partial class ConsensusApiClient
{
    /// <summary>
    /// A session; 507 when there is no room for another one. A member that knows none answers a lease, whose <c>session</c> is false.
    /// </summary>
    /// <param name="idempotencyKey">Under which it is asked, as in <see cref="LockWish.IdempotencyKey"/>.</param>
    public Task<ApiResult<LeaseAnswer>> GrantSessionAsync(TimeSpan ttl, string? idempotencyKey, CancellationToken cancellationToken) =>
        ((IConsensusApi)this).GrantSessionAsync(ttl, IdentityOf(idempotencyKey), cancellationToken);

    Task<ApiResult<LeaseAnswer>> IConsensusApi.GrantSessionAsync(
        TimeSpan ttl, RequestIdentity identity, CancellationToken cancellationToken) =>
        GrantAsync(new LeaseGrantRequest(ClientJson.Text(ttl)) { Session = true }, identity, cancellationToken);

    /// <summary>Renews a session, and tells what happened under it since it had a version; 410 once it ended.</summary>
    /// <param name="since">The <c>version</c> of the news before; 0 asks for all holds and places that there are.</param>
    /// <param name="after">The <c>next</c> of the answer before, where that had no room for all; else null.</param>
    public Task<ApiResult<LeaseAnswer>> KeepSessionAliveAsync(string session, long since, long? after,
        CancellationToken cancellationToken) =>
        SendAsync(NewsRequest(session, since, after), ClientJson.Default.LeaseAnswer, cancellationToken);

    /// <summary>
    /// What came of a number of a session, or that nothing ever comes of it: from then on it is never done. Idempotent. 409
    /// <c>retry-too-late</c> when the number is acknowledged and has neither place nor hold; 410 <c>session-ended</c>.
    /// </summary>
    public Task<ApiResult<SettleAnswer>> SettleAsync(string session, long seq, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Target = LeaseTarget(session) + "/settle",
            NeedsIdentity = false,
            Body = RequestJson.Encode(new SettleRequest(seq), RequestJson.Types.SettleRequest, nameof(seq)),
        };
        return SendAsync(request, ClientJson.Default.SettleAnswer, cancellationToken);
    }

    SessionRenewal IConsensusApi.KeepSessionAliveOnce(
        string session, long since, long? after, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var attempt = _sender.SendOnce(NewsRequest(session, since, after), timeout, cancellationToken);
        return attempt.Value is LeaseAnswer renewed
            ? new SessionRenewal(
                new HoldRenewal(HoldRenewalOutcome.Renewed, "") { Ttl = TimeSpan.FromMilliseconds(renewed.TtlMs) }, renewed.News)
            : new SessionRenewal(Unrenewed(attempt), null);
    }

    private static ApiRequest NewsRequest(string session, long since, long? after) => KeepAliveRequest(session) with
    {
        Form = AnswerForm.Document(ClientJson.Default.LeaseAnswer, static answer => answer.News is not null),
        Body = RequestJson.Encode(new SessionKeepAliveRequest(since) { After = after }, RequestJson.Types.SessionKeepAliveRequest,
            nameof(since)),
    };
}
