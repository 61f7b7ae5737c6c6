using Consensus.Node.Core;
using Consensus.Primitives;

namespace Consensus.Node.Tests.Core;

public sealed class HashHistoryTests
{
    private static StateHash Hash(long index) => new((ulong)(index * 31));

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(64)]
    [TestCase(200)]
    public void The_newest_so_many_are_known_and_no_others(int capacity)
    {
        const long Start = 100;
        var history = new HashHistory(new LogIndex(Start), Hash(Start), capacity);
        for (var newest = Start; newest < Start + 500; newest++)
        {
            if (newest > Start)
            {
                history.Add(Hash(newest));
            }
            var oldest = Math.Max(Start, newest - capacity + 1);
            Assert.That((history.Oldest.Value, history.Newest.Value), Is.EqualTo((oldest, newest)));
            for (var index = oldest; index <= newest; index++)
            {
                Assert.That((history.TryFind(new LogIndex(index), out var hash), hash), Is.EqualTo((true, Hash(index))));
            }
            Assert.That(history.TryFind(new LogIndex(oldest - 1), out _), Is.False);
            Assert.That(history.TryFind(new LogIndex(newest + 1), out _), Is.False);
        }
    }

    [Test]
    public void After_a_snapshot_only_what_follows_it_is_known()
    {
        var history = new HashHistory(LogIndex.Zero, Hash(0));
        for (var index = 1; index <= 100; index++)
        {
            history.Add(Hash(index));
        }
        history.Restart(new LogIndex(500), Hash(500));
        history.Add(Hash(501));
        Assert.That(history.TryFind(new LogIndex(50), out _), Is.False);
        Assert.That(history.Oldest, Is.EqualTo(new LogIndex(500)));
        Assert.That((history.TryFind(new LogIndex(501), out var hash), hash), Is.EqualTo((true, Hash(501))));
    }
}
