using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>
/// Renews a hold on a thread of its own, at a third of the TTL, until it is stopped or the cluster says that the hold is over.
/// Renewals block that thread alone: neither a busy thread pool nor a silent member delays anybody else.
/// </summary>
internal sealed class LockKeeper : IDisposable
{
    private readonly object _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TimeProvider _clock;
    private readonly Hold _hold;
    private readonly Thread _thread;
    private TimeSpan _deadline;
    private TimeSpan _nextRenewal;
    private string? _lost;
    private string _lastFailure = "";
    private bool _stopped;

    public LockKeeper(TimeProvider clock, Hold hold)
    {
        _clock = clock;
        _hold = hold;
        _deadline = hold.Deadline;
        // Not counted from now, for a grant may be older than its answer.
        _nextRenewal = hold.Schedule.NextRenewal(hold.GrantedAt, hold.Schedule.Ttl);
        _thread = new Thread(Run) { IsBackground = true, Name = "lock-keeper" };
    }

    /// <summary>Called on the keeper's thread after each answer that changed something; to be set before it is started.</summary>
    public Action? Changed { get; set; }

    /// <summary>The holder's own deadline as of the last renewal; it never moves back.</summary>
    public TimeSpan Deadline
    {
        get
        {
            lock (_gate)
            {
                return _deadline;
            }
        }
    }

    /// <summary>Why the cluster says that the hold is over; null while it does not.</summary>
    public string? Lost
    {
        get
        {
            lock (_gate)
            {
                return _lost;
            }
        }
    }

    /// <summary>One sentence about a hold that cannot be kept.</summary>
    public string Reason
    {
        get
        {
            lock (_gate)
            {
                if (_lost is { } lost)
                {
                    return lost;
                }
                if (_hold.Schedule.MaxHold is { } longest && _hold.IsEnd(_deadline))
                {
                    return $"its --max-hold of {Durations.Show((long)longest.TotalMilliseconds)} is over.";
                }
                return _lastFailure.Length > 0 ? _lastFailure : "no renewal was answered in time.";
            }
        }
    }

    public void Start() => _thread.Start();

    /// <summary>Ends the renewing; returns when no renewal is on its way. Again: nothing.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }
            _stopped = true;
            Monitor.PulseAll(_gate);
        }
        _stopping.Cancel();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }
    }

    public void Dispose()
    {
        Stop();
        _stopping.Dispose();
    }

    /// <summary>Sends one renewal now and takes its answer in. False when it got none.</summary>
    public bool RenewOnce()
    {
        var sentAt = _clock.SinceStart();
        HoldRenewal renewal;
        try
        {
            renewal = _hold.Target.RenewOnce(_hold.FencingToken, _hold.Schedule.RenewTimeout, _stopping.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        lock (_gate)
        {
            switch (renewal.Outcome)
            {
                case HoldRenewalOutcome.Renewed:
                    var deadline = _hold.DeadlineAfter(sentAt, renewal.Ttl);
                    _deadline = deadline > _deadline ? deadline : _deadline;
                    _nextRenewal = _hold.Schedule.NextRenewal(sentAt, renewal.Ttl);
                    _lastFailure = "";
                    break;
                case HoldRenewalOutcome.Lost:
                    _lost = renewal.Detail;
                    break;
                default:
                    _lastFailure = renewal.Detail;
                    return false;
            }
        }
        Changed?.Invoke();
        return true;
    }

    private void Run()
    {
        while (SleepUntilNextRenewal())
        {
            var answered = RenewOnce();
            lock (_gate)
            {
                if (_lost is not null)
                {
                    return;
                }
                if (!answered)
                {
                    _nextRenewal = _clock.SinceStart() + _hold.Schedule.RetryPause;
                }
            }
        }
    }

    /// <summary>False when stopped meanwhile.</summary>
    private bool SleepUntilNextRenewal()
    {
        lock (_gate)
        {
            while (!_stopped)
            {
                var left = _nextRenewal - _clock.SinceStart();
                if (left <= TimeSpan.Zero)
                {
                    return true;
                }
                Monitor.Wait(_gate, Clocks.Slice(left));
            }
            return false;
        }
    }
}
