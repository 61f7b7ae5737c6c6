using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tests.Trees;

public sealed class CowTreeTests
{
    [Test]
    public void It_behaves_as_a_sorted_map_and_frozen_pictures_never_change([Range(1, 30)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var tree = new CowTree<long, long>();
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
        Assert.That(tree.Count, Is.Zero);
        foreach (var (picture, content) in frozen)
        {
            Assert.That(picture.All().Select(p => KeyValuePair.Create(p.Key, p.Value)), Is.EqualTo(content));
            Assert.That(picture.Count, Is.EqualTo(content.Length));
            Assert.That((picture.TryFirst(out var smallest, out _), smallest), Is.EqualTo((content.Length > 0, content.FirstOrDefault().Key)));
            for (var probe = 0; probe < 20; probe++)
            {
                var at = random.Next(-1, range + 1);
                Assert.That(picture.Rank(at), Is.EqualTo(content.Count(p => p.Key < at)));
                Assert.That(picture.From(at).Select(p => p.Key).Take(3), Is.EqualTo(content.Where(p => p.Key >= at).Select(p => p.Key).Take(3)));
                var first = content.Where(p => p.Key >= at).Select(p => (true, p.Key, p.Value)).FirstOrDefault();
                Assert.That((picture.TryFirstFrom(at, out var key, out var firstValue), key, firstValue), Is.EqualTo(first));
                Assert.That(picture.TryGet(at, out var value) ? value : -1, Is.EqualTo(content.Where(p => p.Key == at).Select(p => p.Value).FirstOrDefault(-1)));
            }
        }
    }
}
