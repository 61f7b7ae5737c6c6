using Consensus.Api.Problems;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>The result of waiting for a lock or its like: a hold, or an exit code with a sentence.</summary>
internal readonly record struct Acquisition(Hold? Hold, int ExitCode, string Message);

/// <summary>
/// Waits for a lock as long as asked. One request can wait 10 minutes at most and keeps its place in the queue for that long, across
/// lost connections too; a longer wait is several requests, each of which queues anew at the end.
/// </summary>
internal sealed class LockAcquirer(IHoldTarget target, TimeProvider clock, TimeSpan? wait, TimeSpan? grace)
{
    private static readonly TimeSpan LongestRequest = TimeSpan.FromMinutes(10);

    private readonly TimeSpan _startedAt = clock.SinceStart();
    private bool _answeredBefore;

    /// <summary>True when the time to wait is over.</summary>
    public bool IsOver => Remaining <= TimeSpan.Zero;

    private TimeSpan Remaining => wait is { } longest ? _startedAt + longest - clock.SinceStart() : TimeSpan.MaxValue;

    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<Acquisition> AcquireAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var remaining = Remaining;
            var slice = remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining < LongestRequest ? remaining : LongestRequest;
            // Not later than the first send, which is what the holder's deadline counts from.
            var sentAt = clock.SinceStart();
            var result = await target.AcquireAsync(slice, cancellationToken);
            if (result.Grant is { } grant)
            {
                return new Acquisition(ToHold(grant, sentAt), ExitCode.Done, "");
            }
            if (result.Problem is { } problem && (IsOver || !IsWorthWaiting(problem)))
            {
                return new Acquisition(null, ExitCode.Of(problem), problem.Detail);
            }
            _answeredBefore = true;
        }
    }

    /// <summary>
    /// A lock that is held, and a grant that expired before it was heard of, are waited for. A cluster that is away is too, but only
    /// once it has been seen: an endpoint that never answered is more likely a mistake.
    /// </summary>
    private bool IsWorthWaiting(ApiProblem problem) => problem.Kind switch
    {
        ApiFailureKind.Refused => problem.Slug == ProblemTypes.LockHeld.Slug || problem.Slug == ProblemTypes.LeaseExpired.Slug,
        ApiFailureKind.Unavailable => _answeredBefore,
        _ => true,
    };

    private Hold ToHold(Grant grant, TimeSpan sentAt)
    {
        var schedule = new HoldSchedule(TimeSpan.FromMilliseconds(grant.TtlMs), grace, target.MaxHold);
        return new Hold(
            target, grant.FencingToken, schedule, HoldSchedule.GrantedAt(sentAt, TimeSpan.FromMilliseconds(grant.WaitedMs)));
    }
}
