using System.Diagnostics;
using System.Net;
using Consensus.Benchmarks.Generator;

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

    private readonly EventPoll _poll = new();
    private readonly Dictionary<int, Attempt> _busy = [];
    private readonly List<Member> _members;
    private int _nextId;
    private int _turn;
    private readonly Outage _outage;
    private readonly TimeSpan _attemptInterval;

    /// <summary>One fixed put request for each surviving member.</summary>
    public FailoverProbe(LeaderEnd way, IEnumerable<(IPEndPoint Endpoint, byte[] Put)> survivors)
    {
        _outage = new Outage(way);
        _members = [.. survivors.Select(survivor => new Member(survivor.Endpoint, survivor.Put))];

        // The distance of two puts is what the measured time is rounded up to, and a hand-over is short. A long outage piles up what waits for its end, so there it is wider.
        _attemptInterval = TimeSpan.FromMilliseconds(way == LeaderEnd.Stop ? 2 : 5);
    }

    /// <summary>
    /// Writes for a moment, calls <paramref name="end"/> on the leader, and answers how long the <see cref="Outage"/> was; null when it was not over in 30 s.
    /// <paramref name="isGone"/> tells whether the leader's process has ended.
    /// </summary>
    public TimeSpan? Run(Action end, Func<bool> isGone)
    {
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
        foreach (var attempt in _busy.Values)
        {
            attempt.Connection.Dispose();
        }

        foreach (var (_, connection) in _members.SelectMany(member => member.Idle))
        {
            connection.Dispose();
        }

        _poll.Dispose();
    }

    private void BeginAttempt(long now)
    {
        var member = _members[_turn++ % _members.Count];
        if (!member.Idle.TryPop(out var idle))
        {
            idle = (_nextId++, new Connection(member.Endpoint));
            idle.Connection.Register(_poll, idle.Id);
        }

        member.Put.CopyTo(idle.Connection.Request);
        if (idle.Connection.Send(member.Put.Length))
        {
            _busy.Add(idle.Id, new Attempt(member, idle.Connection, now));
        }
        else
        {
            idle.Connection.Dispose();
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

        switch (attempt.Connection.Receive())
        {
            case ReceiveResult.Nothing:
                return null;
            case ReceiveResult.Broken:
                _busy.Remove(id);
                attempt.Connection.Dispose();
                return null;
            default:
                _busy.Remove(id);
                attempt.Member.Idle.Push((id, attempt.Connection));
                return attempt.Connection.Answer.Status == 200 ? _outage.OnSuccess(attempt.Begun, Stopwatch.GetTimestamp()) : null;
        }
    }

    private void DropIdle(int id)
    {
        foreach (var member in _members)
        {
            var kept = member.Idle.Where(idle => idle.Id != id).Reverse().ToList();
            foreach (var (_, connection) in member.Idle.Where(idle => idle.Id == id))
            {
                connection.Dispose();
            }

            member.Idle.Clear();
            kept.ForEach(member.Idle.Push);
        }
    }

    private void Expire(long now)
    {
        foreach (var (id, attempt) in _busy.Where(pair => Stopwatch.GetElapsedTime(pair.Value.Begun, now) > AttemptLimit).ToList())
        {
            attempt.Connection.Dispose();
            _busy.Remove(id);
        }
    }

    private sealed record Attempt(Member Member, Connection Connection, long Begun);

    private sealed record Member(IPEndPoint Endpoint, byte[] Put)
    {
        public Stack<(int Id, Connection Connection)> Idle { get; } = new();
    }
}
