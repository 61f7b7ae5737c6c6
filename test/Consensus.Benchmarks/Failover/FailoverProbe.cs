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
    private static readonly TimeSpan AttemptInterval = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan AttemptLimit = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Prelude = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(30);

    private readonly EventPoll _poll = new();
    private readonly Dictionary<int, Attempt> _busy = [];
    private readonly List<Member> _members;
    private int _nextId;
    private int _turn;
    private long _killed = long.MaxValue;

    /// <summary>One fixed put request for each surviving member.</summary>
    public FailoverProbe(IEnumerable<(IPEndPoint Endpoint, byte[] Put)> survivors) =>
        _members = [.. survivors.Select(survivor => new Member(survivor.Endpoint, survivor.Put))];

    /// <summary>
    /// Writes for a moment, calls <paramref name="kill"/>, and answers the time from there to the first success of a put that was begun
    /// afterwards; null when there was none in 30 s.
    /// </summary>
    public TimeSpan? Run(Action kill)
    {
        var begin = Stopwatch.GetTimestamp();
        var nextAttempt = begin;
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            if (_killed == long.MaxValue && Stopwatch.GetElapsedTime(begin, now) >= Prelude)
            {
                _killed = Stopwatch.GetTimestamp();
                kill();
            }
            else if (_killed != long.MaxValue && Stopwatch.GetElapsedTime(_killed, now) > GiveUp)
            {
                return null;
            }

            if (now >= nextAttempt)
            {
                Expire(now);
                BeginAttempt(now);
                nextAttempt = now + (long)(AttemptInterval.TotalSeconds * Stopwatch.Frequency);
            }

            var wait = Math.Ceiling(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), nextAttempt).TotalMilliseconds);
            var ready = _poll.Wait((int)Math.Max(0, wait));
            for (var i = 0; i < ready; i++)
            {
                if (ReadAnswer(_poll.Id(i)))
                {
                    return Stopwatch.GetElapsedTime(_killed);
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

    /// <summary>True for the first acknowledged write that was begun after the kill.</summary>
    private bool ReadAnswer(int id)
    {
        if (!_busy.TryGetValue(id, out var attempt))
        {
            // An idle connection that its server closed.
            DropIdle(id);
            return false;
        }

        switch (attempt.Connection.Receive())
        {
            case ReceiveResult.Nothing:
                return false;
            case ReceiveResult.Broken:
                _busy.Remove(id);
                attempt.Connection.Dispose();
                return false;
            default:
                _busy.Remove(id);
                var acknowledged = attempt.Connection.Answer.Status == 200 && attempt.Begun >= _killed;
                attempt.Member.Idle.Push((id, attempt.Connection));
                return acknowledged;
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
