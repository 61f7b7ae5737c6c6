using Consensus.Api.Problems;
using Consensus.Client;
using Consensus.Client.Transport;

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

    /// <summary>Between two looks at whether the member that lets the request wait is there; once it was seen to be, ever longer ones.</summary>
    private static readonly TimeSpan ShortestLook = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(16);

    private readonly IHoldTarget _target;
    private readonly TimeProvider _clock;
    private readonly ConsensusClientOptions _options;
    private readonly TimeSpan? _wait;
    private readonly TimeSpan? _grace;
    private readonly Outage _outage;
    private readonly AttemptLog _log;
    private readonly TimeSpan _startedAt;

    /// <summary>What may be granted; null while nothing is asked for.</summary>
    private Question? _question;

    /// <summary>Ends what is being asked.</summary>
    private CancellationTokenSource? _asking;

    /// <param name="wait">How long to wait for it; null: as long as it takes.</param>
    public LockAcquirer(IHoldTarget target, TimeProvider clock, TextWriter error, ConsensusClientOptions options, TimeSpan? wait, TimeSpan? grace)
    {
        (_target, _clock, _options, _wait, _grace) = (target, clock, options, wait, grace);
        // Who does not wait is told soon how it ended; that is enough.
        _outage = new Outage(target.Description, options.Endpoints.Count, clock, wait == TimeSpan.Zero ? TextWriter.Null : error);
        _log = new AttemptLog { Heard = Hear };
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
            var question = _question ??= new Question(Slice(), _clock.SinceStart(), new RequestIdentity { Log = _log });
            if (await AskAsync(question, cancellationToken) is not { } result)
            {
                return await GiveUpAsync(new ApiProblem(ApiFailureKind.Unavailable, 0, "", _outage.Trouble));
            }
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

    /// <summary>Whether there was never a cluster to wait for, and waiting for one was not asked for.</summary>
    private bool IsHopelessAfter(TimeSpan patience) =>
        _wait is null && !_outage.WasSeen && _outage.Trouble.Length > 0 && _clock.SinceStart() - _startedAt >= patience;

    private void Hear(Attempt attempt)
    {
        _outage.Heard(attempt);
        if (IsHopelessAfter(_options.RetryFor))
        {
            // Here, between two sends, for what is under way then would be in doubt.
            _ = _asking?.CancelAsync();
        }
    }

    private TimeSpan Slice() => Remaining is var left && left < TimeSpan.Zero ? TimeSpan.Zero : left < LongestRequest ? left : LongestRequest;

    /// <returns>Null when there is nobody to wait for.</returns>
    private async Task<GrantResult?> AskAsync(Question question, CancellationToken cancellationToken)
    {
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _asking = asking;
        var ask = _target.AcquireAsync(question.Wait, question.Identity, asking.Token);
        try
        {
            for (var look = FirstLook(); await Task.WhenAny(ask, Task.Delay(look, CancellationToken.None)) != ask; look = NextLook(look))
            {
                if (_log.Asking is { } silent)
                {
                    await Task.WhenAny(ask, ProbeAsync(silent, asking.Token));
                }
                if (!ask.IsCompleted && IsHopelessAfter(_options.SettlesWithin ?? _options.RetryFor + _options.AttemptTimeout))
                {
                    return null;
                }
            }
            return await ask;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            _asking = null;
            await asking.CancelAsync();
            await ask.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>A short time-out has room for a look and for what that waits.</summary>
    private TimeSpan FirstLook() => Shorter(_options.SettlesWithin / 2, _options.RetryFor > TimeSpan.FromMilliseconds(100) && _options.RetryFor < ShortestLook ? _options.RetryFor : ShortestLook);

    private static TimeSpan Shorter(TimeSpan? limit, TimeSpan usual) => limit < usual ? limit.Value : usual;

    private TimeSpan NextLook(TimeSpan look) => IsHopelessAfter(TimeSpan.Zero) && _options.SettlesWithin is { } limit
        ? Shorter(limit / 4, ShortestLook)
        : !_outage.WasSeen || _outage.Trouble.Length > 0 ? ShortestLook : look * 2 < LongestLook ? look * 2 : LongestLook;

    /// <summary>A member that lets a request wait is silent, and so is one that is not there any more.</summary>
    private async Task ProbeAsync(Uri endpoint, CancellationToken cancellationToken)
    {
        using var client = new ConsensusApiClient(_options with
        {
            Endpoints = [endpoint],
            AttemptTimeout = Shorter(_options.SettlesWithin / 2, ShortestLook),
            RetryFor = TimeSpan.Zero,
            RetryUnreachableFor = TimeSpan.Zero,
            SettlesWithin = null,
        });
        try
        {
            _outage.Probed(await client.GetStatusAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            // It has answered.
        }
    }

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
        ApiFailureKind.Unavailable => _outage.WasSeen,
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
