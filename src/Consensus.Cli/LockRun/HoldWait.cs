using Consensus.Cli.Output;
using Consensus.Client;
using Consensus.Client.Holding;
using Consensus.Client.Transport;

namespace Consensus.Cli.LockRun;

/// <summary>
/// Waits for a hold through the client, and sees to what a person expects of a program that waits: that it says why nobody can grant it,
/// that it gives up where there was never a cluster to wait for, and that it ends with a word on what may have been granted.
/// </summary>
internal sealed class HoldWait
{
    /// <summary>
    /// Between two looks at whether the member that lets the request wait is there; once it was seen to be, ever longer ones.
    /// </summary>
    private static readonly TimeSpan ShortestLook = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(16);

    private readonly IHoldTarget _target;
    private readonly ConsensusClient _client;
    private readonly TimeProvider _clock;
    private readonly ConsensusClientOptions _options;
    private readonly TimeSpan? _wait;
    private readonly Outage _outage;
    private readonly AcquireWatch _watch;
    private readonly TextWriter _error;
    private readonly TimeSpan _startedAt;

    /// <summary>Ends the wait.</summary>
    private CancellationTokenSource? _asking;

    /// <param name="client">With the <see cref="Options"/> of a wait.</param>
    /// <param name="wait">How long to wait for it; null: as long as it takes.</param>
    public HoldWait(
        IHoldTarget target, ConsensusClient client, TimeProvider clock, TextWriter error, ConsensusClientOptions options, TimeSpan? wait)
    {
        (_target, _client, _clock, _error, _options, _wait) = (target, client, clock, error, options, wait);
        // Who does not wait is told soon how it ended; that is enough.
        _outage = new Outage(target.Description, options.Endpoints.Count, clock, wait == TimeSpan.Zero ? TextWriter.Null : error);
        _watch = new AcquireWatch
        {
            Log = new AttemptLog { Heard = Hear },
            // A cluster that is away is waited for, but only once it has been seen: an endpoint that never answered is more likely a
            // mistake.
            GoesOnAfter = problem => problem.Kind != ApiFailureKind.Unavailable || _outage.WasSeen,
            CameTooLate = TellTooLate,
        };
        _startedAt = clock.SinceStart();
    }

    /// <summary>
    /// How the client of a program that holds one thing asks for it. It has no session: to make one and to end it would be two writes more,
    /// and while a place of a request is given up soon after its program was killed, one of a session could still be granted.
    /// </summary>
    public static ConsensusClientOptions Options(ConsensusClientOptions options, TimeProvider clock) => options with
    {
        TimeProvider = clock,
        SessionTtl = null,
        AnswerGrace = null,
        LastPatience = TimeSpan.Zero,
    };

    /// <exception cref="HoldNotGrantedException">It was refused, or the time or the patience is over.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled: what was asked for is being withdrawn.</exception>
    public async Task<Hold> AcquireAsync(HoldSchedule schedule, CancellationToken cancellationToken)
    {
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _asking = asking;
        ApiProblem word;
        try
        {
            var ask = _target.AcquireAsync(_client, schedule, _watch, _wait, asking.Token);
            await LookAsync(ask, asking);
            return await ask;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            word = new ApiProblem(ApiFailureKind.Unavailable, 0, "", _outage.Trouble);
        }
        catch (TimeoutException late) when (late.InnerException is ConsensusException inner)
        {
            word = inner.Problem;
        }
        catch (TimeoutException)
        {
            throw await Withdrawal.HasSettledAsync(_client)
                ? new HoldNotGrantedException(ExitCode.Unreachable, "was granted, but the answer came too late to use it.")
                : new HoldNotGrantedException(
                    ExitCode.Unknown, "was granted, but the answer came too late to use it. It may still be held, and then ends with its lease.");
        }
        catch (ConsensusException no)
        {
            word = no.Problem;
        }
        finally
        {
            _asking = null;
            // A question that is still put to a member.
            await asking.CancelAsync();
        }
        throw await GiveUpAsync(word);
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

    private void TellTooLate(bool isByMaxHold)
    {
        if (isByMaxHold)
        {
            _error.WriteLine("consensusctl: " + Plain.OneLine(
                $"{_target.Description} was granted, but no time is sure to be left of its --max-hold: it is given back."));
        }
    }

    /// <summary>
    /// Asks the member that lets the request wait how it is, now and then, until there is an answer or nobody to wait for.
    /// </summary>
    private async Task LookAsync(Task ask, CancellationTokenSource asking)
    {
        for (var look = FirstLook(); await Task.WhenAny(ask, Task.Delay(look, CancellationToken.None)) != ask; look = NextLook(look))
        {
            if (_watch.Log.Asking is { } silent)
            {
                await Task.WhenAny(ask, ProbeAsync(silent, asking.Token));
            }
            if (!ask.IsCompleted && IsHopelessAfter(_options.SettlesWithin ?? _options.RetryFor + _options.AttemptTimeout))
            {
                await asking.CancelAsync();
                return;
            }
        }
    }

    /// <summary>A short time-out has room for a look and for what that waits.</summary>
    private TimeSpan FirstLook() => Shorter(
        _options.SettlesWithin / 2,
        _options.RetryFor > TimeSpan.FromMilliseconds(100) && _options.RetryFor < ShortestLook ? _options.RetryFor : ShortestLook);

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

    private async Task<HoldNotGrantedException> GiveUpAsync(ApiProblem word)
    {
        var detail = word.Detail.TrimEnd();
        if (!await Withdrawal.HasSettledAsync(_client))
        {
            var stop = detail.EndsWith('.') ? "" : ".";
            return new HoldNotGrantedException(
                ExitCode.Unknown, $"was not acquired: {detail}{stop} It may have been granted, and then ends with its lease.");
        }
        return new HoldNotGrantedException(
            word.Kind == ApiFailureKind.OutcomeUnknown ? ExitCode.Unreachable : ExitCode.Of(word), $"was not acquired: {detail}");
    }
}
