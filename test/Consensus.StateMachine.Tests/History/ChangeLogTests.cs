using Consensus.Primitives;
using Consensus.StateMachine.Comparison;
using Consensus.StateMachine.History;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tests.History;

public sealed class ChangeLogTests
{
    private static readonly string[] Names = ["a", "a/b", "b", "c", "d"];

    [Test]
    public void It_behaves_as_a_list_and_its_pictures_never_change([Range(1, 40)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var log = new ChangeLog((int)random.Next(1, 9));
        var model = new List<Recorded>();
        var pictures = new List<(PastChanges Past, Recorded[] Content)>();
        var revision = Revision.Initial;
        for (var i = 0; i < 400; i++)
        {
            if (random.Chance(1, 25))
            {
                var count = (int)random.Next(model.Count + 1);
                log.RemoveFirst(count);
                model.RemoveRange(0, count);
            }
            else
            {
                revision = random.Chance(2, 3) || model.Count == 0 ? new Revision(revision.Value + random.Next(1, 3)) : revision;
                var recorded = new Recorded(Draw(random, revision, model), new ClusterTime(i));
                log.Append(recorded);
                model.Add(recorded);
            }
            Assert.That(
                (log.Count, log.Bytes, log.Digest), Is.EqualTo((model.Count, model.Sum(m => m.Bytes), model.Aggregate(0UL, (sum, m) => sum + m.Digest))));
            if (random.Chance(1, 8))
            {
                pictures.Add((log.Freeze(), [.. model]));
            }
        }
        foreach (var (past, content) in pictures)
        {
            Assert.That(past.From(Revision.Zero), Is.EqualTo(content));
            for (var probe = 0; probe < 10; probe++)
            {
                var after = new Revision(random.Next(revision.Value + 2));
                var key = Machine.Key(Names[random.Next(Names.Length)]);
                var later = content.Where(c => c.Change.Revision > after).Select(c => c.Change).OfType<KeyChange>().ToList();
                var before = content.TakeWhile(c => c.Change.Revision < after).ToList();
                Assert.That(past.SumBefore(after), Is.EqualTo(new RangeSum(before.Count, before.Aggregate(0UL, (sum, c) => sum + c.Digest))));
                Assert.That(before.Count == content.Length || past.RevisionAt(before.Count) == content[before.Count].Change.Revision);
                Assert.That(past.From(after), Is.EqualTo(content.Where(c => c.Change.Revision >= after)));
                Assert.That(past.FirstOf(key, after), Is.SameAs(later.Find(c => c.Key == key)));
                Assert.That(past.FirstOfEach(key, after), Is.EqualTo(later.Where(c => c.Key.CompareTo(key) >= 0).DistinctBy(c => c.Key).OrderBy(c => c.Key)));
            }
        }
    }

    /// <summary>A change of a key that this revision has not changed yet, or of an election.</summary>
    private static Change Draw(DeterministicRandom random, Revision revision, List<Recorded> model)
    {
        var key = Machine.Key(Names[random.Next(Names.Length)]);
        var isTaken = model.Exists(m => m.Change is KeyChange c && c.Revision == revision && c.Key == key);
        var record = new KeyRecord(new byte[random.Next(30)], revision, revision, 1, LeaseId.None);
        return isTaken || random.Chance(1, 5)
            ? new ElectionChange(revision, key, new Hold(key, "o", new FencingToken(1), LeaseId.None, 1, revision, ClusterTime.Zero))
            : new KeyChange(revision, key, random.Chance(1, 2) ? record : null, record);
    }

    [Test]
    public void Large_values_close_a_chunk_early_so_that_what_is_forgotten_frees_its_memory()
    {
        var chunk = new ChangeChunk(ChangeChunk.UsualCapacity);
        var large = new KeyRecord(new byte[700_000], Revision.Initial, Revision.Initial, 1, LeaseId.None);
        chunk.Add(new Recorded(new KeyChange(new Revision(2), Machine.Key("a"), large, null), ClusterTime.Zero), 0);
        Assert.That(chunk.IsClosed, Is.False);
        chunk.Add(new Recorded(new KeyChange(new Revision(3), Machine.Key("b"), large, null), ClusterTime.Zero), 0);
        Assert.That(chunk.IsClosed);
    }
}
