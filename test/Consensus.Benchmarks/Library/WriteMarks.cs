using System.Text;

namespace Consensus.Benchmarks.Library;

/// <summary>What the writes of one client bear so that sending one again is safe: a line of the head, or nothing.</summary>
internal interface IWriteMark
{
    /// <summary>The session that holds are asked for under; null: each has a lease of its own.</summary>
    string? Lease => null;

    /// <summary>Writes the line of the next write.</summary>
    void Begin(ref RequestText head);

    /// <summary>The answer to the write that was begun last is there.</summary>
    void End()
    {
    }
}

internal sealed class NoMark : IWriteMark
{
    public void Begin(ref RequestText head)
    {
    }
}

/// <summary>Keys as long as the library's.</summary>
/// <param name="prefix">Of this client in this measurement.</param>
internal sealed class KeyMark(string prefix) : IWriteMark
{
    private const int Length = 32;

    private readonly byte[] _start = Encoding.ASCII.GetBytes($"Idempotency-Key: {prefix}-");
    private readonly long _first = Power(Length - 2 - prefix.Length);
    private long _writes;

    public void Begin(ref RequestText head)
    {
        head.Add(_start);
        head.Add(_first + ++_writes);
        head.Add("\r\n"u8);
    }

    /// <summary>The smallest number of one digit more than that.</summary>
    private static long Power(int digits) => Enumerable.Range(0, digits).Aggregate(1L, (power, _) => power * 10);
}

/// <summary>The session of several clients, which acknowledge what they have heard together. On one thread.</summary>
internal sealed class NumberedSession(string id)
{
    private readonly SortedSet<long> _open = [];
    private readonly byte[] _start = Encoding.ASCII.GetBytes($"Consensus-Session: {id}; seq=");
    private long _last;

    public string Id => id;

    public IWriteMark NewMark() => new Mark(this);

    private sealed class Mark(NumberedSession session) : IWriteMark
    {
        private long _number;

        public string? Lease => session.Id;

        public void Begin(ref RequestText head)
        {
            // A write that was never answered is not asked about again: its client goes on with the next one.
            End();
            _number = ++session._last;
            session._open.Add(_number);
            head.Add(session._start);
            head.Add(_number);
            head.Add("; acked="u8);
            head.Add(session._open.Min - 1);
            head.Add("\r\n"u8);
        }

        public void End() => session._open.Remove(_number);
    }
}
