using System.Globalization;
using Consensus.Primitives;

namespace Consensus.Simulation.Engine;

/// <summary>
/// What happened, as a running hash over every event (two runs of one seed end with the same) and, for who wants to read it, as the newest lines of text.
/// </summary>
public sealed class Trace(Scheduler time)
{
    private readonly Queue<string> _lines = new();

    public StateHash Hash { get; private set; } = StateHash.Initial;

    /// <summary>How many of the newest lines are kept; 0 writes none, which is fast.</summary>
    public int Keep { get; init; }

    /// <summary>True when lines are wanted: callers ask before they build one.</summary>
    public bool Writes => Keep > 0;

    public IEnumerable<string> Lines => _lines;

    public void Note(TraceEvent what, long who, long detail = 0) =>
        Hash = Hash.Add(time.Now).Add((long)what).Add(who).Add(detail);

    public void Note(TraceEvent what, long who, ReadOnlySpan<byte> bytes) =>
        Hash = Hash.Add(time.Now).Add((long)what).Add(who).Add(bytes);

    public void Line(string text)
    {
        if (Keep == 0)
        {
            return;
        }
        if (_lines.Count >= Keep)
        {
            _lines.Dequeue();
        }
        _lines.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{time.Now / 1_000_000.0,12:F6}  {text}"));
    }
}

/// <summary>The kinds of event that go into the trace's hash.</summary>
public enum TraceEvent
{
    Turn,
    Deliver,
    Durable,
    Start,
    End,
    Link,
    Fault,
    Request,
    Answer,
}
