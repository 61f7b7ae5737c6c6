using Consensus.Api.Problems;

namespace Consensus.Client.Holding;

/// <summary>
/// Waits for a hold for as long as asked. One request stands in line for 10 minutes at most, and keeps its place for that long across lost connections too; a longer wait is
/// several requests, each of which queues anew at the end.
/// </summary>
internal sealed class Acquirer(HoldKeeper keeper, TimeProvider time, TimeSpan answerGrace)
{
    private static readonly TimeSpan LongestRequest = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ShortestPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(500);

    /// <summary>Beyond what timers take, time is not limited more exactly than by one request.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(40);

    /// <summary>How long giving back a grant that came too late is tried.</summary>
    private static readonly TimeSpan GiveBackPatience = TimeSpan.FromSeconds(2);

    /// <param name="timeout">Null: for ever.</param>
    /// <returns>Null when it is held by others and the time is over.</returns>
    /// <exception cref="TimeoutException">The time is over, and it is not known that others hold it.</exception>
    public async Task<(TGrant Grant, KeptHold Hold)?> RunAsync<TGrant>(HoldOrder<TGrant> order, TimeSpan? timeout, CancellationToken cancellationToken)
        where TGrant : class
    {
        using var activity = ClientTelemetry.StartAcquire(order.Kind, order.What);
        var startedAt = keeper.Now;
        var poll = ShortestPoll;
        while (true)
        {
            var left = timeout is { } limit ? startedAt + limit - keeper.Now : TimeSpan.MaxValue;
            // Not later than the first send, which is what the holder's time counts from.
            var sentAt = keeper.Now;
            var result = await AskAsync(order, left, timeout, cancellationToken).ConfigureAwait(false);
            if (result.Succeeded)
            {
                if (await TakeAsync(order, result.Value, sentAt).ConfigureAwait(false) is { } hold)
                {
                    ClientTelemetry.Acquired(order.Kind, keeper.Now - startedAt);
                    return (result.Value, hold);
                }
            }
            else if (!IsWorthAnother(result.Problem))
            {
                throw new ConsensusException(result.Problem);
            }
            left = timeout is { } whole ? startedAt + whole - keeper.Now : TimeSpan.MaxValue;
            if (left <= TimeSpan.Zero)
            {
                ClientTelemetry.NotAcquired(order.Kind);
                return result.Problem is { } problem && problem.Slug != ProblemTypes.LockHeld.Slug ? throw new ConsensusException(problem) : null;
            }
            if (!order.CanWait || result.Problem?.Slug != ProblemTypes.LockHeld.Slug)
            {
                var pause = poll * (0.75 + (Random.Shared.NextDouble() / 2));
                await Task.Delay(pause < left ? pause : left, time, cancellationToken).ConfigureAwait(false);
                poll = poll * 2 < LongestPoll ? poll * 2 : LongestPoll;
            }
        }
    }

    private async Task<ApiResult<TGrant>> AskAsync<TGrant>(
        HoldOrder<TGrant> order, TimeSpan left, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        var wait = !order.CanWait || left <= TimeSpan.Zero ? TimeSpan.Zero : left < LongestRequest ? left : LongestRequest;
        if (timeout is null || timeout == TimeSpan.Zero || left > LongestTimer)
        {
            return await order.Ask(wait, cancellationToken).ConfigureAwait(false);
        }
        // A cluster that is away is not waited for much longer than was asked for.
        using var over = new CancellationTokenSource(left + answerGrace, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        try
        {
            return await order.Ask(wait, linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ApiResult<TGrant>.Failed(new ApiProblem(ApiFailureKind.OutcomeUnknown, 0, "", $"Nothing is known of {order.What}: no member answered in time."));
        }
    }

    /// <summary>
    /// Keeps what was granted. A grant whose answer was long on its way is renewed first; one that cannot be used any more is given back: null.
    /// </summary>
    private async Task<KeptHold?> TakeAsync<TGrant>(HoldOrder<TGrant> order, TGrant grant, TimeSpan sentAt)
    {
        var times = order.Times(grant);
        var hold = new KeptHold(new LeaseSchedule(times.Ttl, order.Margin, order.MaxHold), sentAt, times.Waited, keeper.ToUtc, order.Renew(grant));
        bool IsUsable() => hold.LossReason is null && keeper.Now < hold.SafeUntil;
        if (!IsUsable() && keeper.Now < hold.LongestSafeUntil)
        {
            await Task.Factory.StartNew(() => keeper.RenewNow(hold), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .ConfigureAwait(false);
        }
        if (IsUsable())
        {
            keeper.Add(hold);
            return hold;
        }
        if (hold.LossReason is null)
        {
            keeper.Remove(hold);
            using var patience = new CancellationTokenSource(GiveBackPatience);
            try
            {
                await order.GiveBack(grant, patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // It ends with its lease, soon.
            }
        }
        return null;
    }

    /// <summary>
    /// What is held, a grant that expired before it was heard of, and a cluster that is away are waited for, for as long as there is time.
    /// </summary>
    private static bool IsWorthAnother(ApiProblem problem) =>
        problem.Kind != ApiFailureKind.Refused || problem.Slug == ProblemTypes.LockHeld.Slug || problem.Slug == ProblemTypes.LeaseExpired.Slug;
}
