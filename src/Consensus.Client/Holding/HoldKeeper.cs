using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Consensus.Client.Holding;

/// <summary>
/// Keeps all holds of one client: a thread of its own tells when a hold's time is over and when a renewal is due; renewals and news of losses have others.
/// Only the cluster's word that a hold is over, or its time, ends a hold: anything else is tried again.
/// </summary>
internal sealed partial class HoldKeeper(TimeProvider clock, ILogger? logger = null) : IDisposable
{
    /// <summary>
    /// The kernel's timed waits do not count suspension, a holder's clock does: no single wait is longer than this, so that after a suspension a passed deadline is
    /// seen at once.
    /// </summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(100);

    /// <summary>How long the thread stays when there is nothing to keep.</summary>
    private static readonly TimeSpan IdleFor = TimeSpan.FromSeconds(10);

    private readonly long _startedAt = clock.GetTimestamp();
    private readonly object _gate = new();
    private readonly List<KeptHold> _holds = [];
    private readonly BlockingThreads _renewals = new("consensus-renewal", 16);
    private readonly BlockingThreads _losses = new("consensus-hold-lost", 64);
    private Thread? _thread;
    private bool _disposed;

    /// <summary>The time since this keeper was made: small enough to be exact, whatever the clock's timestamps count from.</summary>
    public TimeSpan Now => clock.GetElapsedTime(_startedAt);

    /// <summary>An instant of this keeper's as the time since its clock's start.</summary>
    public TimeSpan SinceStart(TimeSpan instant) => clock.GetElapsedTime(0, _startedAt) + instant;

    /// <summary>An instant of this keeper's by the wall clock, as it stands now.</summary>
    public DateTimeOffset ToUtc(TimeSpan instant) => clock.GetUtcNow() + (instant - Now);

    /// <exception cref="ObjectDisposedException">The client was disposed of.</exception>
    public void Add(KeptHold hold)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (hold.IsOver)
            {
                // The news of its session came before it was added.
                return;
            }
            _holds.Add(hold);
            if (!hold.IsSession)
            {
                ClientTelemetry.HoldBegan();
            }
            if (hold.Session is { IsOver: true } session)
            {
                End(hold, session.LossReason ?? "The session that it was under has ended.");
            }
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "consensus-holds" };
                _thread.Start();
            }
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The hold is given back: it is neither renewed nor told to be lost from here on. False when it was lost before.</summary>
    public bool Remove(KeptHold hold)
    {
        lock (_gate)
        {
            var wasLost = hold.LossReason is not null;
            hold.IsOver = true;
            Drop(hold, isLost: false);
            if (wasLost)
            {
                return false;
            }
        }
        hold.Stopping.Cancel();
        return true;
    }

    /// <summary>Sends one renewal on the calling thread and takes its answer in. False when nothing certain was learnt.</summary>
    public bool RenewNow(KeptHold hold)
    {
        var sentAt = Now;
        var renewal = Send(hold);
        ClientTelemetry.Renewed(renewal.Outcome);
        lock (_gate)
        {
            hold.IsRenewing = false;
            if (hold.IsOver)
            {
                return false;
            }
            switch (renewal.Outcome)
            {
                case HoldRenewalOutcome.Renewed:
                    hold.Extend(sentAt, renewal.Ttl, ToUtc);
                    break;
                case HoldRenewalOutcome.Lost:
                    EndAll(hold, renewal.Detail);
                    break;
                default:
                    hold.NextRenewalAt = Now + hold.Schedule.RetryPause;
                    hold.LastFailure = renewal.Detail;
                    break;
            }
            Monitor.PulseAll(_gate);
        }
        if (renewal.Outcome == HoldRenewalOutcome.Renewed)
        {
            hold.Renewed?.Invoke();
        }
        return renewal.Outcome != HoldRenewalOutcome.Unanswered;
    }

    /// <summary>The cluster's word that this hold is over, and with a session all that is under it.</summary>
    public void EndByCluster(KeptHold hold, string why)
    {
        lock (_gate)
        {
            if (!hold.IsOver)
            {
                EndAll(hold, why);
            }
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// Nothing refers to the hold's handle any more, and it was not disposed of: it is told to be lost, to whoever registered with it, and
    /// given back.
    /// </summary>
    public void Leaked(KeptHold hold, LossSignal signal)
    {
        lock (_gate)
        {
            if (_disposed || (hold.IsOver && hold.Parts is not { Items.Count: > 1 }))
            {
                return;
            }
            if (!hold.IsOver)
            {
                End(hold, "Nothing refers to its handle any more, so that nobody could give it back.");
            }
        }
        LogLeak(logger ?? NullLogger.Instance, hold.What);
        signal.Tell();
        hold.TakeBack?.Invoke();
    }

    /// <summary>Why a hold is over whose time is, in a sentence.</summary>
    public static string WhyOver(KeptHold hold) =>
        hold is { IsAtItsLongest: true, Schedule.MaxHold: { } most }
            ? string.Create(
                CultureInfo.InvariantCulture, $"It is held for {most.TotalSeconds:0.###} s at most (maxHold), and that time is over.")
            : (hold.Session ?? hold).LastFailure is { Length: > 0 } failure ? failure : "No renewal was answered in time.";

    /// <summary>Whoever still holds something is told that it is lost: nobody renews it any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (var hold in _holds.ToArray())
            {
                End(hold, "The client was disposed of while it held this.");
            }
            Monitor.PulseAll(_gate);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Nothing refers to the handle of {What} any more, and it was not disposed of: it is given back")]
    private static partial void LogLeak(ILogger logger, string what);

    private static HoldRenewal Send(KeptHold hold)
    {
        try
        {
            return hold.Renew(hold.Schedule.RenewTimeout, hold.Stopping.Token);
        }
        catch (Exception error)
        {
            // Whatever it is, it is not the cluster's word that the hold is over. A thread that dies of it would end the process.
            return new HoldRenewal(HoldRenewalOutcome.Unanswered, error.Message);
        }
    }

    private void Run()
    {
        lock (_gate)
        {
            while (!_disposed)
            {
                if (_holds.Count > 0)
                {
                    Monitor.Wait(_gate, Slice(Look() - Now));
                }
                else if (!Monitor.Wait(_gate, IdleFor) && _holds.Count == 0)
                {
                    break;
                }
            }
            _thread = null;
        }
    }

    /// <summary>Ends and renews what is due.</summary>
    /// <returns>When to look again.</returns>
    private TimeSpan Look()
    {
        var (now, next) = (Now, TimeSpan.MaxValue);
        for (var i = _holds.Count - 1; i >= 0; i--)
        {
            var hold = _holds[i];
            if (now >= hold.SafeUntil)
            {
                End(hold, WhyOver(hold));
                continue;
            }
            if (!hold.IsRenewing && now >= hold.NextRenewalAt)
            {
                hold.IsRenewing = true;
                _renewals.Post(() => RenewNow(hold));
            }
            next = Earlier(next, hold.IsRenewing ? hold.SafeUntil : Earlier(hold.NextRenewalAt, hold.SafeUntil));
        }
        return next;
    }

    private void EndAll(KeptHold hold, string why)
    {
        foreach (var under in hold.IsSession ? _holds.Where(other => other.Session == hold).ToList() : [])
        {
            under.IsEndedByCluster = true;
            End(under, why);
        }
        hold.IsEndedByCluster = true;
        End(hold, why);
    }

    private void End(KeptHold hold, string reason)
    {
        Drop(hold, isLost: true);
        hold.IsOver = true;
        hold.LossReason = reason;
        _losses.Post(hold.TellLoss);
    }

    private void Drop(KeptHold hold, bool isLost)
    {
        if (_holds.Remove(hold) && !hold.IsSession)
        {
            ClientTelemetry.HoldEnded(isLost);
        }
    }

    /// <summary>A wait of whole milliseconds, at least one, that ends no later than wanted by more than that.</summary>
    private static TimeSpan Slice(TimeSpan wanted)
    {
        var slice = Earlier(wanted, LongestWait);
        return slice < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : slice;
    }

    private static TimeSpan Earlier(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
