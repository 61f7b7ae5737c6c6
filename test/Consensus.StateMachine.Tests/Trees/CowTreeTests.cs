using Consensus.Primitives;
using Consensus.StateMachine.Comparison;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tests.Trees;

public sealed class CowTreeTests
{
    [Test]
    public void It_behaves_as_a_sorted_map_and_frozen_pictures_never_change([Range(1, 30)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var tree = new CowTree<long, long>(Measure.Instance);
        var model = new SortedDictionary<long, long>();
        var frozen = new List<(FrozenTree<long, long> Tree, KeyValuePair<long, long>[] Content)>();
        var range = random.Next(1, 3000);
        for (var i = 0; i < 6000; i++)
        {
            var key = seed % 3 == 0 ? i % range : random.Next(range);
            if (random.Chance(seed % 5, 8))
            {
                Assert.That(tree.Remove(key), Is.EqualTo(model.Remove(key)));
            }
            else
            {
                tree.Set(key, i);
                model[key] = i;
            }
            if (random.Chance(1, 300))
            {
                frozen.Add((tree.Freeze(), [.. model]));
            }
        }
        frozen.Add((tree.Freeze(), [.. model]));
        foreach (var key in model.Keys.ToList())
        {
            Assert.That(tree.Remove(key));
        }
        Assert.That((tree.Count, tree.Sum), Is.EqualTo((0, default(TreeSum))));
        foreach (var (picture, content) in frozen)
        {
            Assert.That(picture.All().Select(p => KeyValuePair.Create(p.Key, p.Value)), Is.EqualTo(content));
            Assert.That(picture.Count, Is.EqualTo(content.Length));
            Assert.That(picture.Sum, Is.EqualTo(Measure.Of(content)));
            Assert.That((picture.TryFirst(out var smallest, out _), smallest), Is.EqualTo((content.Length > 0, content.FirstOrDefault().Key)));
            for (var probe = 0; probe < 20; probe++)
            {
                var at = random.Next(-1, range + 1);
                var before = content.TakeWhile(p => p.Key < at).ToArray();
                Assert.That(picture.SumBefore(at), Is.EqualTo(new RangeSum(before.Length, Measure.Of(before).Digest)));
                Assert.That(picture.Rank(at), Is.EqualTo(before.Length));
                if (before.Length < content.Length)
                {
                    var (there, _) = content[before.Length];
                    Assert.That(picture.At(before.Length), Is.EqualTo((there, content[before.Length].Value, Measure.Instance.Digest(there, content[before.Length].Value))));
                }
                Assert.That(picture.From(at).Select(p => p.Key).Take(3), Is.EqualTo(content.Where(p => p.Key >= at).Select(p => p.Key).Take(3)));
                var first = content.Where(p => p.Key >= at).Select(p => (true, p.Key, p.Value)).FirstOrDefault();
                Assert.That((picture.TryFirstFrom(at, out var key, out var firstValue), key, firstValue), Is.EqualTo(first));
                Assert.That(picture.TryGet(at, out var value) ? value : -1, Is.EqualTo(content.Where(p => p.Key == at).Select(p => p.Value).FirstOrDefault(-1)));
            }
        }
    }

    [Test]
    public void Equal_content_has_equal_sums_however_it_came_about()
    {
        var grown = new CowTree<long, long>(Measure.Instance);
        var shrunk = new CowTree<long, long>(Measure.Instance);
        for (var key = 0; key < 5_000; key++)
        {
            grown.Set(key, key * 3);
            shrunk.Set(9_999 - key, 1);
        }
        for (var key = 0; key < 10_000; key++)
        {
            if (key < 5_000)
            {
                shrunk.Set(key, key * 3);
            }
            else
            {
                shrunk.Remove(key);
            }
        }
        Assert.That(shrunk.Sum, Is.EqualTo(grown.Sum));
        shrunk.Set(77, 0);
        Assert.That(shrunk.Sum.Digest, Is.Not.EqualTo(grown.Sum.Digest));
    }

    [Test]
    public void A_tree_without_a_measure_counts_and_has_no_digests()
    {
        var index = new CowTree<long, long>();
        for (var key = 0; key < 1_000; key++)
        {
            index.Set(key, key);
        }
        Assert.That(index.Freeze().SumBefore(700), Is.EqualTo(new RangeSum(700, 0)));
        Assert.That(index.Freeze().At(700), Is.EqualTo((700, 700, 0)));
    }

    private sealed class Measure : IMeasure<long, long>
    {
        public static readonly Measure Instance = new();

        public static TreeSum Of(IEnumerable<KeyValuePair<long, long>> pairs) => pairs.Aggregate(
            default(TreeSum), static (sum, p) => sum + new TreeSum(Instance.Bytes(p.Key, p.Value), Instance.IsLeased(p.Value) ? 1 : 0, Instance.Digest(p.Key, p.Value)));

        public long Bytes(long key, long value) => 3 + (key % 7) + (value % 11);

        public bool IsLeased(long value) => value % 3 == 0;

        public ulong Digest(long key, long value) => StateHash.Initial.Add(key).Add(value).Value;
    }
}
