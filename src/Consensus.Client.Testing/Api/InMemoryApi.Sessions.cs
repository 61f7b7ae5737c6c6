using Consensus.Api.Leases;
using Consensus.Client.Sessions;
using Consensus.Client.Testing.Store;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Client.Testing.Api;

internal sealed partial class InMemoryApi
{
    public Task<ApiResult<LeaseAnswer>> GrantSessionAsync(TimeSpan ttl, RequestIdentity identity, CancellationToken cancellationToken) =>
        GrantAsync(ttl, true, identity, cancellationToken);

    public HoldRenewal KeepLeaseAliveOnce(string lease, TimeSpan timeout, CancellationToken cancellationToken)
    {
        _ = LeaseId.TryParse(lease, out var id);
        return Renew(
            () => store.Apply(new RenewLeasesCommand([id])),
            outcome => outcome is LeasesRenewed { Renewals: [{ Alive: true } renewed] } ? renewed.TtlMicros : null,
            outcome => Refusals.Of(new LeaseMissing(outcome.Revision, id)));
    }

    public SessionRenewal KeepSessionAliveOnce(string session, long since, long? after, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (KeepLeaseAliveOnce(session, timeout, cancellationToken) is var renewal && renewal.Outcome != HoldRenewalOutcome.Renewed)
        {
            return new SessionRenewal(renewal, null);
        }
        var news = store.View.GetSessionNews(LeaseId.TryParse(session, out var id) ? id : default, since, after ?? since, SessionShapes.NewsRoom);
        renewal = news is null ? new HoldRenewal(HoldRenewalOutcome.Unanswered, $"the lease {session} is no session")
            : news.MustRenew ? KeepLeaseAliveOnce(session, timeout, cancellationToken) : renewal;
        return new SessionRenewal(renewal, renewal.Outcome == HoldRenewalOutcome.Renewed ? SessionShapes.NewsOf(news!, store.Now) : null);
    }

    public Task<ApiResult<SettleAnswer>> SettleAsync(string session, long seq, CancellationToken cancellationToken)
    {
        var isSession = LeaseId.TryParse(session, out var id);
        return ExecuteAsync(
            isSession && seq >= 1 ? null : Refusals.BadRequest("a session is settled by a number of at least 1"),
            () => new SettleCommand(id, seq),
            outcome => outcome is Settled settled ? SessionShapes.SettledOf(seq, settled) : null,
            cancellationToken);
    }

    private Task<ApiResult<LeaseAnswer>> GrantAsync(TimeSpan ttl, bool isSession, RequestIdentity identity,
        CancellationToken cancellationToken) => ExecuteAsync(
        Checks.Ttl(ttl),
        () => new GrantLeaseCommand(InMemoryStore.NewLeaseId(), Checks.Micros(ttl)) { IsSession = isSession },
        outcome => outcome is LeaseGranted granted
            ? new LeaseAnswer(granted.Id.ToString(), Millis.Of(granted.TtlMicros), Millis.Of(granted.TtlMicros)) { Session = isSession }
            : null,
        cancellationToken,
        identity);
}
