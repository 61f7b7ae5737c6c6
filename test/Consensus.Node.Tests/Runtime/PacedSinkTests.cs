using Consensus.Node.Runtime;
using Consensus.StateMachine.Snapshots;

namespace Consensus.Node.Tests.Runtime;

public sealed class PacedSinkTests
{
    private const int Half = 1 << 19;

    private readonly Clock _clock = new();
    private readonly Sections _written = new();
    private readonly List<TimeSpan> _rests = [];

    [SetUp]
    public void Clear()
    {
        _rests.Clear();
        _written.All.Clear();
    }

    [Test]
    public void It_rests_after_each_MiB_for_as_long_as_that_took()
    {
        var sink = Make();
        foreach (var micros in new[] { 1_000, 2_000, 5_000, 15_000 })
        {
            Write(sink, Half, micros);
        }
        Assert.That(_rests.Select(rest => rest.TotalMicroseconds), Is.EqualTo(new[] { 3_000, 20_000 }));
    }

    [Test]
    public void It_rests_for_no_longer_than_100_ms()
    {
        Write(Make(), 2 * Half, 30_000_000);
        Assert.That(_rests, Is.EqualTo(new[] { TimeSpan.FromMilliseconds(100) }));
    }

    [Test]
    public void It_passes_every_section_on_as_it_is()
    {
        var sink = Make();
        sink.Section(7, [1, 2, 3]);
        sink.Section(8, []);
        sink.Section(9, new byte[3 * Half]);
        Assert.That(_written.All.Select(section => (section.Kind, section.Body.Length)), Is.EqualTo(new[] { (7, 3), (8, 0), (9, 3 * Half) }));
        Assert.That(_written.All[0].Body, Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    // Its own rest passes on its clock too, and must not count as work.
    private PacedSink Make() => new(_written, _clock, rest =>
    {
        _rests.Add(rest);
        _clock.Micros += (long)rest.TotalMicroseconds;
    });

    private void Write(PacedSink sink, int bytes, long micros)
    {
        _written.Writing = () => _clock.Micros += micros;
        sink.Section(1, new byte[bytes]);
    }

    private sealed class Clock : TimeProvider
    {
        public long Micros { get; set; }

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => Micros;
    }

    private sealed class Sections : ISnapshotSink
    {
        public List<(int Kind, byte[] Body)> All { get; } = [];

        public Action Writing { get; set; } = () => { };

        public void Section(int kind, ReadOnlySpan<byte> body)
        {
            Writing();
            All.Add((kind, body.ToArray()));
        }
    }
}
