using Consensus.Api.Problems;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>The result of waiting for a lock or its like: a hold, or an exit code with a sentence.</summary>
internal readonly record struct Acquisition(Hold? Hold, int ExitCode, string Message);

/// <summary>
/// Waits for a lock as long as asked. One request can wait 10 minutes at most and keeps its place in the queue for that long, across
/// lost connections too; a longer wait is several requests, each of which queues anew at the end. A request whose outcome is not known is asked again as it is, under its own identity; who
/// gives up before it is known withdraws it.
/// </summary>
internal sealed class LockAcquirer
{
    private static readonly TimeSpan LongestRequest = TimeSpan.FromMinutes(10);

    private readonly IHoldTarget _target;
    private readonly TimeProvider _clock;
    private readonly ConsensusClientOptions _options;
    private readonly TimeSpan? _wait;
    private readonly TimeSpan? _grace;
    private bool _answeredBefore;
    private readonly TimeSpan _startedAt;

    /// <summary>What may be granted; null while nothing is asked for.</summary>
    private Question? _question;

    /// <param name="wait">How long to wait for it; null: as long as it takes.</param>
    public LockAcquirer(IHoldTarget target, TimeProvider clock, ConsensusClientOptions options, TimeSpan? wait, TimeSpan? grace)
    {
        (_target, _clock, _options, _wait, _grace) = (target, clock, options, wait, grace);
        _startedAt = clock.SinceStart();
    }

    /// <summary>True when the time to wait is over.</summary>
    public bool IsOver => Remaining <= TimeSpan.Zero;

    private TimeSpan Remaining => _wait is { } longest ? _startedAt + longest - _clock.SinceStart() : TimeSpan.MaxValue;

    /// <exception cref="OperationCanceledException">It was cancelled: what was asked for is to be withdrawn.</exception>
    public async Task<Acquisition> AcquireAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var question = _question ??= new Question(Slice(), _clock.SinceStart(), new RequestIdentity());
            var result = await _target.AcquireAsync(question.Wait, question.Identity, cancellationToken);
            if (result.Grant is { } grant)
            {
                _question = null;
                return new Acquisition(ToHold(grant, question.AskedAt), ExitCode.Done, "");
            }
            if (result.Problem is { } problem)
            {
                var word = problem.RefusedSince ?? problem;
                if (IsOver || !IsWorthWaiting(word))
                {
                    return await GiveUpAsync(word);
                }
                _answeredBefore = true;
                if (!question.Identity.IsInDoubt)
                {
                    _question = null;
                }
                else if (word.Kind == ApiFailureKind.Refused)
                {
                    // A "no" is kept under the identity, so it is of no more use; but only for a time, and an earlier attempt may be under way for longer.
                    await WithdrawAsync();
                }
            }
        }
    }

    /// <summary>Takes back what may have been granted, or may still be.</summary>
    /// <returns>True when nothing of it is left for certain.</returns>
    public async Task<bool> WithdrawAsync()
    {
        var question = _question;
        _question = null;
        return question is not { Identity: { IsInDoubt: true, Key: var key } } || await Withdrawal.TryAsync(_options, key);
    }

    private TimeSpan Slice() => Remaining is var left && left < TimeSpan.Zero ? TimeSpan.Zero : left < LongestRequest ? left : LongestRequest;

    private async Task<Acquisition> GiveUpAsync(ApiProblem word)
    {
        if (!await WithdrawAsync())
        {
            var detail = word.Detail.TrimEnd();
            return new Acquisition(null, ExitCode.Unknown, $"{detail}{(detail.EndsWith('.') ? "" : ".")} It may have been granted, and then ends with its lease.");
        }
        return new Acquisition(null, word.Kind == ApiFailureKind.OutcomeUnknown ? ExitCode.Unreachable : ExitCode.Of(word), word.Detail);
    }

    /// <summary>
    /// A lock that is held, and a grant that expired before it was heard of, are waited for. A cluster that is away is too, but only
    /// once it has been seen: an endpoint that never answered is more likely a mistake.
    /// </summary>
    private bool IsWorthWaiting(ApiProblem problem) => problem.Kind switch
    {
        ApiFailureKind.Refused => problem.Slug == ProblemTypes.LockHeld.Slug || problem.Slug == ProblemTypes.LeaseExpired.Slug,
        ApiFailureKind.Unavailable => _answeredBefore,
        _ => problem.Slug != ProblemTypes.RetryTooLate.Slug,
    };

    private Hold ToHold(Grant grant, TimeSpan askedAt)
    {
        var schedule = new HoldSchedule(TimeSpan.FromMilliseconds(grant.TtlMs), _grace, _target.MaxHold);
        return new Hold(_target, grant.FencingToken, schedule, HoldSchedule.GrantedAt(askedAt, TimeSpan.FromMilliseconds(grant.WaitedMs)));
    }

    /// <summary>One request, sent any number of times under one identity and with one wait: the server compares the whole of it.</summary>
    /// <param name="AskedAt">Not later than the first send, which is what the holder's deadline counts from.</param>
    private sealed record Question(TimeSpan Wait, TimeSpan AskedAt, RequestIdentity Identity);
}
