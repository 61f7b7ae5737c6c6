using Consensus.Api.Problems;
using Consensus.Client.Sessions;
using Consensus.Client.Transport;

namespace Consensus.Client.Holding;

/// <summary>
/// Waits for a hold for as long as asked. One request stands in line for 10 minutes at most, and keeps its place for that long across lost
/// connections too; a longer wait is several requests, each of which queues anew at the end. A request whose outcome is not known is asked
/// again under its own identity until it is; whoever gives up before withdraws it, or settles its number. What was asked for under a
/// session that has ended can hold nothing, so that it is asked for anew.
/// </summary>
/// <param name="answerGrace">
/// For how long beyond the caller's time an answer is still waited for; null: for as long as a request is sent again.
/// </param>
internal sealed class Acquirer(
    HoldKeeper keeper, Withdrawals withdrawals, ClientSessions sessions, TimeProvider time, TimeSpan? answerGrace)
{
    private static readonly TimeSpan LongestRequest = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ShortestPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(500);

    /// <summary>Beyond what timers take, time is not limited more exactly than by one request.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(40);

    /// <summary>A request leaves its line this long before the caller's time is over, so that the answer, which says who holds it, comes in time.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMilliseconds(100);

    /// <param name="timeout">Null: for ever. Zero: for the answer of one request that does not stand in line.</param>
    /// <exception cref="ConsensusException">It was refused, for another reason than that others hold it.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
    public async Task<Acquisition<TGrant>> RunAsync<TGrant>(HoldOrder<TGrant> order, TimeSpan? timeout, CancellationToken cancellationToken)
        where TGrant : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var underWay = withdrawals.BeginAcquire();
        using var activity = ClientTelemetry.StartAcquire(order.Kind, order.What);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(withdrawals.Closing, cancellationToken);
        using var over = timeout is { } limit && limit > TimeSpan.Zero && limit <= LongestTimer && answerGrace is { } grace
            ? new CancellationTokenSource(limit + grace, time) : null;
        using var overOrEnd = over is null ? null : CancellationTokenSource.CreateLinkedTokenSource(over.Token, end.Token);
        var run = new Run<TGrant>(this, order, keeper.Now, timeout);
        try
        {
            return await run.UntilSettledAsync((overOrEnd ?? end).Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when ((overOrEnd ?? end).IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(withdrawals.Closing.IsCancellationRequested, typeof(ConsensusClient));
            return run.TimeIsOver();
        }
        finally
        {
            // Whoever leaves, by whatever way, leaves nothing behind that could still be granted.
            run.Withdraw();
        }
    }

    private TimeSpan Now => keeper.Now;

    private Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken) => Task.Delay(pause, time, cancellationToken);

    private HoldQuestion NewQuestion<TGrant>(HoldOrder<TGrant> order, TimeSpan wait, AttemptLog log)
    {
        var place = sessions.TryPlace(order.Ttl, order.Names);
        return new HoldQuestion(wait, Now, ClientSessions.Identify(place?.Session, log), place);
    }

    /// <summary>Nothing is asked any more. What is in doubt is taken back.</summary>
    private void End(HoldQuestion question, bool isKnown)
    {
        if (question.Identity is { Numbers: null, IsInDoubt: true } key && !isKnown)
        {
            withdrawals.Begin(key.Key);
        }
        ClientSessions.End(question.Identity, isKnown);
        question.Place?.Dispose();
    }

    /// <summary>
    /// Keeps what was granted. A grant whose answer was long on its way is renewed first; one that cannot be used any more is given back: null.
    /// </summary>
    private async Task<KeptHold?> TakeAsync<TGrant>(HoldOrder<TGrant> order, TGrant grant, HoldQuestion question,
        CancellationToken cancellationToken)
    {
        var times = order.Times(grant);
        var schedule = new LeaseSchedule(times.Ttl, order.Margin, order.MaxHold);
        var parts = question.Place is { Session: var session } ? new HeldParts(session.Holds, order.Parts(grant)) : null;
        var hold = parts is null
            ? new KeptHold(schedule, question.AskedAt, times.Waited, keeper.ToUtc, order.Renew(grant)) { What = order.What }
            : new KeptHold(question.Place!.Session.Lease, parts, schedule, question.AskedAt, times.Waited,
                keeper.ToUtc)
            { What = order.What };
        // By its token: a grant may be so late that its identity is forgotten.
        hold.TakeBack = parts is null
            ? () => withdrawals.Begin((hurried, cancellation) => order.GiveBack(grant, hurried, cancellation))
            : parts.Disown;
        var isKept = false;
        try
        {
            if (parts is not null && parts.Holds.Add(parts.Items, hold) is not null)
            {
                // It has ended already: its news came before the grant.
                return null;
            }
            if (parts is null && !IsUsable(hold) && Now < hold.LongestSafeUntil)
            {
                using var stop = cancellationToken.UnsafeRegister(static late => ((KeptHold)late!).Stopping.Cancel(), hold);
                await Task.Factory.StartNew(() => keeper.RenewNow(hold), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                    .ConfigureAwait(false);
            }
            if (!IsUsable(hold))
            {
                order.Watch?.CameTooLate(Now >= hold.LongestSafeUntil);
                return null;
            }
            keeper.Add(hold);
            isKept = !withdrawals.Closing.IsCancellationRequested;
            ObjectDisposedException.ThrowIf(!isKept, typeof(ConsensusClient));
            return hold;
        }
        finally
        {
            if (!isKept && !hold.IsEndedByCluster)
            {
                keeper.Remove(hold);
                hold.TakeBack();
            }
        }
    }

    private TimeSpan AnswerTimeOf(TimeSpan wait) => answerGrace is null ? TimeSpan.Zero : Shorter(AnswerTime, wait / 10);

    private bool IsUsable(KeptHold hold) => hold.LossReason is null && Now < hold.SafeUntil;

    /// <summary>
    /// What is held, a grant that expired before it was heard of, and a cluster that is away are waited for, for as long as there is time.
    /// </summary>
    private static bool IsWorthAnother(ApiProblem problem) =>
        problem.Kind is not (ApiFailureKind.Refused or ApiFailureKind.Denied) || problem.Slug == ProblemTypes.LockHeld.Slug
            || problem.Slug == ProblemTypes.LeaseExpired.Slug;

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>One hold that is asked for.</summary>
    private sealed class Run<TGrant>(Acquirer owner, HoldOrder<TGrant> order, TimeSpan startedAt, TimeSpan? timeout)
        where TGrant : class
    {
        private readonly AttemptLog _log = order.Watch?.Log ?? new AttemptLog();

        /// <summary>What may be granted; null while nothing is asked for.</summary>
        private HoldQuestion? _question;

        /// <summary>Why the last request brought nothing that could be used; null when it was granted too late.</summary>
        private ApiProblem? _problem;

        private TimeSpan Left => timeout is { } whole ? whole - (owner.Now - startedAt) : TimeSpan.MaxValue;

        public async Task<Acquisition<TGrant>> UntilSettledAsync(CancellationToken cancellationToken)
        {
            for (var poll = ShortestPoll; ; poll = Shorter(poll * 2, LongestPoll))
            {
                var question = _question ??= owner.NewQuestion(order, WaitInLine(), _log);
                var result = await order.Ask(question, cancellationToken).ConfigureAwait(false);
                _problem = result.Problem?.RefusedSince ?? result.Problem;
                if (result.Succeeded)
                {
                    _question = null;
                    if (order.Watch is { } watch)
                    {
                        watch.Grant = result.Json;
                    }
                    KeptHold? hold;
                    try
                    {
                        hold = await owner.TakeAsync(order, result.Value, question, cancellationToken).ConfigureAwait(false);
                    }
                    finally
                    {
                        owner.End(question, isKnown: true);
                    }
                    if (hold is not null)
                    {
                        ClientTelemetry.Acquired(order.Kind, owner.Now - startedAt);
                        return new Acquisition<TGrant>(result.Value, hold, null);
                    }
                    cancellationToken.ThrowIfCancellationRequested();
                }
                else
                {
                    Consider(_problem!, question);
                }
                var left = Left;
                if (left <= owner.AnswerTimeOf(timeout ?? TimeSpan.Zero))
                {
                    return NotAcquired();
                }
                if (_problem?.Slug != ProblemTypes.LockHeld.Slug)
                {
                    var pause = poll * (0.75 + (Random.Shared.NextDouble() / 2));
                    await owner.PauseAsync(Shorter(pause, left), cancellationToken).ConfigureAwait(false);
                }
            }
        }

        /// <summary>Takes back what may have been granted, or may still be.</summary>
        public void Withdraw()
        {
            if (_question is { } question)
            {
                owner.End(question, isKnown: false);
            }
            _question = null;
        }

        /// <summary>The time was over before an answer came.</summary>
        public Acquisition<TGrant> TimeIsOver()
        {
            if (_question is null && _problem is null)
            {
                // It was granted, and could not be made sure of in time.
                return NotAcquired();
            }
            // A member's last word, else what was met at each.
            var word = _log.LastWord ?? _problem ?? new ApiProblem(ApiFailureKind.Unavailable, 0, "", _log.Tell());
            _problem = word.Slug == ProblemTypes.LockHeld.Slug
                ? word
                : word with { Kind = _question is { Identity.IsInDoubt: true } ? ApiFailureKind.OutcomeUnknown : ApiFailureKind.Unavailable };
            return NotAcquired();
        }

        private Acquisition<TGrant> NotAcquired()
        {
            ClientTelemetry.NotAcquired(order.Kind);
            return new Acquisition<TGrant>(null, null, _problem);
        }

        /// <exception cref="ConsensusException">There is no point in asking again.</exception>
        private void Consider(ApiProblem problem, HoldQuestion question)
        {
            if (!IsWorthAnother(problem) || _log.IsAtWrongAddress || order.Watch?.GoesOnAfter(problem) is false)
            {
                throw new ConsensusException(problem);
            }
            // Only a definite answer makes room for another identity. A "no" is one, for the member keeps it; but it does so for a time, so that
            // what was ever in doubt is withdrawn all the same.
            if (!question.Identity.IsInDoubt || Withdrawals.IsSettled(problem))
            {
                Withdraw();
            }
        }

        private TimeSpan WaitInLine()
        {
            var left = Left;
            return left <= TimeSpan.Zero
                ? TimeSpan.Zero
                : Shorter(left == TimeSpan.MaxValue ? left : left - owner.AnswerTimeOf(left), LongestRequest);
        }
    }
}
