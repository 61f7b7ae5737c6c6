using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Log;

public sealed class RaftLogTests
{
    [Test]
    public void Empty_log_ends_before_index_1()
    {
        var log = new RaftLog(null, []);
        Assert.That((log.FirstIndex.Value, log.LastIndex.Value, log.LastTerm.Value), Is.EqualTo((1L, 0L, 0L)));
        Assert.That(log.Holds(LogIndex.Zero, Term.Zero), Is.True);
    }

    [Test]
    public void Log_after_a_snapshot_knows_the_term_at_its_mark()
    {
        var log = new RaftLog(Make.Mark(10, 3, Make.Voters(3), stamp: 77), [Make.Entry(11, 4, stamp: 80)]);
        Assert.That(log.Holds(new LogIndex(10), new Term(3)), Is.True);
        Assert.That(log.TryGetTerm(new LogIndex(9), out _), Is.False);
        Assert.That(log.TryGetTerm(new LogIndex(12), out _), Is.False);
        log.TruncateAfter(new LogIndex(10));
        Assert.That((log.LastTerm.Value, log.LastStamp.Micros), Is.EqualTo((3L, 77L)));
    }

    [TestCase(3, 1, 0, TestName = "Gap_is_refused")]
    [TestCase(2, 0, 0, TestName = "Decreasing_term_is_refused")]
    [TestCase(2, 1, -1, TestName = "Decreasing_stamp_is_refused")]
    public void Entry_must_continue_the_log(long index, long term, long stamp)
    {
        var log = new RaftLog(null, Make.Log(1));
        Assert.That(() => log.Append(Make.Entry(index, term, stamp: stamp)), Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void Truncation_takes_durability_back()
    {
        var log = new RaftLog(null, Make.Log(1, 1, 1));
        Assert.That(log.DurableIndex, Is.EqualTo(new LogIndex(3)));
        log.TruncateAfter(new LogIndex(1));
        log.Append(Make.Entry(2, 2));
        Assert.That(log.DurableIndex, Is.EqualTo(new LogIndex(1)));
    }

    [Test]
    public void Bytes_are_those_of_the_entries_that_are_there()
    {
        var log = new RaftLog(null, []);
        for (var i = 1; i <= 5; i++)
        {
            log.Append(Make.Entry(i, 1, payload: new byte[100 * i]));
        }
        log.AdvanceDurable(log.LastIndex);
        Assert.That(log.Bytes, Is.EqualTo(1500 + (5 * 96)));
        log.TruncateAfter(new LogIndex(4));
        Assert.That(log.Bytes, Is.EqualTo(1000 + (4 * 96)));
        log.CompactThrough(new LogIndex(2));
        Assert.That(log.Bytes, Is.EqualTo(700 + (2 * 96)));
        log.Reset(Make.Mark(10, 2, Make.Voters(3)), new LogIndex(4));
        Assert.That(log.Bytes, Is.Zero);
    }

    [TestCase(3, 10_000, 5, TestName = "Only_so_many_entries_trail")]
    [TestCase(100, 2_500, 6, TestName = "Only_so_many_bytes_trail")]
    [TestCase(100, 500, 8, TestName = "An_entry_above_the_bytes_that_may_trail_does_not_trail")]
    [TestCase(100, 100_000, 0, TestName = "A_log_within_both_bounds_trails_wholly")]
    public void What_trails_a_snapshot_is_bounded(long entries, long bytes, long through)
    {
        var log = new RaftLog(null, []);
        for (var i = 1; i <= 10; i++)
        {
            log.Append(Make.Entry(i, 1, payload: new byte[1000 - 96]));
        }
        Assert.That(log.CompactionPoint(new LogIndex(8), entries, bytes).Value, Is.EqualTo(through));
    }

    [Test]
    public void Compaction_keeps_the_rest()
    {
        var log = new RaftLog(null, Make.Log(1, 1, 2, 2, 3));
        log.CompactThrough(new LogIndex(3));
        Assert.That((log.FirstIndex.Value, log.LastIndex.Value), Is.EqualTo((4L, 5L)));
        Assert.That(log.Holds(new LogIndex(3), new Term(2)), Is.True);
        Assert.That(log[new LogIndex(4)].Index.Value, Is.EqualTo(4));
        log.CompactThrough(new LogIndex(2));
        Assert.That(log.FirstIndex.Value, Is.EqualTo(4));
        Assert.That(() => log[new LogIndex(3)], Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void Slice_is_not_changed_by_what_happens_to_the_log_later()
    {
        var log = new RaftLog(null, Make.Log(1, 1, 1, 1));
        var slice = log.Slice(new LogIndex(2), new LogIndex(3));
        Assert.That(log.Slice(new LogIndex(2), new LogIndex(3)), Is.SameAs(slice));
        log.TruncateAfter(new LogIndex(1));
        log.Append(Make.Entry(2, 5));
        log.Append(Make.Entry(3, 5));
        Assert.That(slice.Select(e => e.Term.Value), Is.EqualTo(new[] { 1, 1 }));
        Assert.That(log.Slice(new LogIndex(2), new LogIndex(3)).Select(e => e.Term.Value), Is.EqualTo(new[] { 5, 5 }));
    }

    [Test]
    public void Run_stays_within_its_bytes_but_holds_one_entry_at_least()
    {
        var log = new RaftLog(null, [.. Enumerable.Range(1, 5).Select(i => Make.Entry(i, 1, payload: new byte[4]))]);
        Assert.That(log.LastWithin(new LogIndex(1), new LogIndex(5), 250, out var bytes).Value, Is.EqualTo(2));
        Assert.That(bytes, Is.EqualTo(200));
        Assert.That(log.LastWithin(new LogIndex(3), new LogIndex(5), 1, out _).Value, Is.EqualTo(3));
        Assert.That(log.LastWithin(new LogIndex(6), new LogIndex(5), 1, out _).Value, Is.EqualTo(5));
    }

    [Test]
    public void Last_index_of_a_term_is_what_a_walk_finds([Range(0, 12)] int atMost, [Range(0, 8)] int term)
    {
        long[] terms = [1, 1, 3, 3, 3, 4, 7, 7, 7, 7];
        foreach (var compacted in new[] { 0, 1, 4, 10 })
        {
            var log = new RaftLog(null, Make.Log(terms));
            log.CompactThrough(new LogIndex(compacted));
            var expected = Math.Min(atMost, terms.Length);
            while (expected >= compacted && expected > 0 && terms[expected - 1] > term)
            {
                expected--;
            }
            Assert.That(log.LastWithTermAtMost(new LogIndex(atMost), new Term(term)).Value, Is.EqualTo(expected));
        }
    }
}
