using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>The result of waiting for a lock: a hold, or an exit code with a sentence.</summary>
internal readonly record struct Acquisition(Hold? Hold, int ExitCode, string Message);

/// <summary>
/// Waits for a lock as long as asked. One request can wait 10 minutes at most and keeps its place in the queue for that long, across
/// lost connections too; a longer wait is several requests, each of which queues anew at the end.
/// </summary>
internal sealed class LockAcquirer(ConsensusApiClient client, TimeProvider clock, LockRunOptions options)
{
    private static readonly TimeSpan LongestRequest = TimeSpan.FromMinutes(10);

    private readonly TimeSpan _startedAt = clock.SinceStart();
    private bool _answeredBefore;

    /// <summary>True when the time to wait is over.</summary>
    public bool IsOver => Remaining <= TimeSpan.Zero;

    private TimeSpan Remaining => options.Wait is { } wait ? _startedAt + wait - clock.SinceStart() : TimeSpan.MaxValue;

    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<Acquisition> AcquireAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var remaining = Remaining;
            var slice = remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining < LongestRequest ? remaining : LongestRequest;
            var wish = new LockWish(options.Name, options.Owner) { Ttl = options.Ttl, Wait = slice };
            // Not later than the first send, which is what the holder's deadline counts from.
            var sentAt = clock.SinceStart();
            var result = await client.AcquireLockAsync(wish, cancellationToken);
            if (result.Succeeded)
            {
                return new Acquisition(ToHold(result.Value, sentAt), ExitCode.Done, "");
            }
            if (IsOver || !IsWorthWaiting(result.Problem))
            {
                return new Acquisition(null, ExitCode.Of(result.Problem), result.Problem.Detail);
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

    private Hold ToHold(LockGrantAnswer grant, TimeSpan sentAt)
    {
        var schedule = new HoldSchedule(TimeSpan.FromMilliseconds(grant.TtlMs), options.Grace);
        return new Hold(
            grant.Name, grant.FencingToken, schedule, schedule.Deadline(sentAt, TimeSpan.FromMilliseconds(grant.WaitedMs)));
    }
}
