using System.Diagnostics;
using System.Net;
using System.Net.Security;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Failover;

/// <summary>
/// A client that wants to write as soon as it can: every few milliseconds it begins a new put, through the surviving members in turn, and
/// gives each only a short time. So what is measured is the cluster's being without a leader, and hardly the client's own time-outs.
/// </summary>
internal sealed class FailoverProbe : IDisposable
{
    private static readonly TimeSpan AttemptLimit = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Prelude = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Connections to each survivor that are there before, where they speak TLS: so many are under way in an outage of 150 ms.
    /// </summary>
    private const int OpenedBefore = 16;

    private readonly EventPoll _poll = new();
    private readonly Dictionary<int, Attempt> _busy = [];
    private readonly List<Member> _members;
    private int _nextId;
    private int _turn;
    private readonly Outage _outage;
    private readonly TimeSpan _attemptInterval;
    private readonly SslClientAuthenticationOptions? _tls;

    /// <param name="survivors">Where they are reached, as <c>address:port</c> too.</param>
    /// <param name="tls">Null: its connections are in the clear.</param>
    public FailoverProbe(
        LeaderEnd way, IScriptSource scripts, IEnumerable<(IPEndPoint Endpoint, string Host)> survivors,
            SslClientAuthenticationOptions? tls = null)
    {
        _tls = tls;
        _outage = new Outage(way);
        _members = [.. survivors.Select(survivor => new Member(survivor.Endpoint, () => scripts.PutOne(survivor.Host)))];

        // The distance of two puts is what the measured time is rounded up to, and a hand-over is short. A long outage piles up what waits for its end, so there it is wider.
        _attemptInterval = TimeSpan.FromMilliseconds(way == LeaderEnd.Stop ? 2 : 5);
    }

    /// <summary>
    /// Writes for a moment, calls <paramref name="end"/> on the leader, and answers how long the <see cref="Outage"/> was; null when it was not over in 30 s.
    /// <paramref name="isGone"/> tells whether the leader's process has ended.
    /// </summary>
    public TimeSpan? Run(Action end, Func<bool> isGone)
    {
        OpenBefore();
        var begin = Stopwatch.GetTimestamp();
        var nextAttempt = begin;
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            if (!_outage.HasBegun && Stopwatch.GetElapsedTime(begin, now) >= Prelude)
            {
                _outage.Begin(Stopwatch.GetTimestamp());
                end();
            }
            else if (_outage.HasBegun && Stopwatch.GetElapsedTime(_outage.Begun, now) > GiveUp)
            {
                return null;
            }

            if (now >= nextAttempt)
            {
                if (_outage.HasBegun && isGone())
                {
                    _outage.LeaderIsGone(now);
                }

                Expire(now);
                BeginAttempt(now);
                nextAttempt = now + (long)(_attemptInterval.TotalSeconds * Stopwatch.Frequency);
            }

            var wait = Math.Ceiling(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), nextAttempt).TotalMilliseconds);
            var ready = _poll.Wait((int)Math.Max(0, wait));
            for (var i = 0; i < ready; i++)
            {
                if (ReadAnswer(_poll.Id(i)) is { } length)
                {
                    return length;
                }
            }
        }
    }

    public void Dispose()
    {
        foreach (var line in _busy.Values.Select(attempt => attempt.Line).Concat(_members.SelectMany(member => member.Idle)))
        {
            line.Connection.Dispose();
        }

        _poll.Dispose();
    }

    /// <summary>A handshake takes as long as several puts, and would be a part of what is measured.</summary>
    private void OpenBefore()
    {
        for (var i = 0; _tls is not null && i < OpenedBefore; i++)
        {
            _members.ForEach(member => member.Idle.Push(Open(member)));
        }
    }

    private Line Open(Member member)
    {
        var script = member.Puts();
        var line = new Line(_nextId++, new Connection(member.Endpoint, script.RequestCapacity, script.CreateAnswer(), _tls), script);
        line.Connection.Register(_poll, line.Id);
        return line;
    }

    private void BeginAttempt(long now)
    {
        var member = _members[_turn++ % _members.Count];
        if (!member.Idle.TryPop(out var line))
        {
            line = Open(member);
        }

        if (line.SendNext())
        {
            _busy.Add(line.Id, new Attempt(member, line, now));
        }
        else
        {
            line.Connection.Dispose();
        }
    }

    /// <summary>The length of the outage, from the acknowledged write that ended it; else null.</summary>
    private TimeSpan? ReadAnswer(int id)
    {
        if (!_busy.TryGetValue(id, out var attempt))
        {
            // An idle connection that its server closed.
            DropIdle(id);
            return null;
        }

        switch (attempt.Line.Connection.Receive())
        {
            case ReceiveResult.Nothing:
                return null;
            case ReceiveResult.Broken:
                return End(attempt);
            default:
                break;
        }

        var outcome = attempt.Line.OnAnswer();
        if (outcome == StepOutcome.Prepared)
        {
            // A new connection begins with a session, where the system has such.
            return attempt.Line.SendNext() ? null : End(attempt);
        }

        _busy.Remove(id);
        attempt.Member.Idle.Push(attempt.Line);
        return outcome == StepOutcome.Completed ? _outage.OnSuccess(attempt.Begun, Stopwatch.GetTimestamp()) : null;
    }

    private TimeSpan? End(Attempt attempt)
    {
        _busy.Remove(attempt.Line.Id);
        attempt.Line.Connection.Dispose();
        return null;
    }

    private void DropIdle(int id)
    {
        foreach (var member in _members)
        {
            var kept = member.Idle.Where(idle => idle.Id != id).Reverse().ToList();
            foreach (var line in member.Idle.Where(idle => idle.Id == id))
            {
                line.Connection.Dispose();
            }

            member.Idle.Clear();
            kept.ForEach(member.Idle.Push);
        }
    }

    private void Expire(long now)
    {
        foreach (var attempt in _busy.Values.Where(one => Stopwatch.GetElapsedTime(one.Begun, now) > AttemptLimit).ToList())
        {
            End(attempt);
        }
    }

    private sealed record Attempt(Member Member, Line Line, long Begun);

    /// <summary>A connection and the client that speaks over it.</summary>
    private sealed record Line(int Id, Connection Connection, IClientScript Script)
    {
        public bool SendNext() => Connection.Send(Script.NextRequest(Connection.Request, stopping: false));

        public StepOutcome OnAnswer() => Script.OnAnswer(Connection.Answer.Status, Connection.Answer.Body);
    }

    private sealed record Member(IPEndPoint Endpoint, Func<IClientScript> Puts)
    {
        public Stack<Line> Idle { get; } = new();
    }
}
