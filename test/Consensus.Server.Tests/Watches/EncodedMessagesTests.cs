using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.StateMachine;

namespace Consensus.Server.Tests.Watches;

/// <summary>A revision is encoded once for all who are told it.</summary>
internal sealed class EncodedMessagesTests
{
    private static readonly WatchTarget Target = new(WatchKind.Key, Key.FromText("k"), false);

    private int _encoded;

    [SetUp]
    public void Start() => _encoded = 0;

    private EncodedMessages Messages(long maxBytes) => new(maxBytes, (_, revision, _) =>
    {
        Interlocked.Increment(ref _encoded);
        return new byte[100 + revision.Value];
    });

    [Test]
    public async Task All_who_ask_at_once_share_one_message()
    {
        var messages = Messages(1000);
        using var start = new Barrier(8);
        var asked = Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                return messages.Of(Target, new Revision(5), []);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToList();
        var told = await Task.WhenAll(asked).InTimeAsync();
        Assert.That(told, Is.All.SameAs(told[0]));
        Assert.That((_encoded, messages.Bytes), Is.EqualTo((1, 105L)));
    }

    [Test]
    public void Another_target_or_revision_is_another_message()
    {
        var messages = Messages(1000);
        var told = new[]
        {
            messages.Of(Target, new Revision(5), []),
            messages.Of(Target, new Revision(6), []),
            messages.Of(Target with { WithPrevious = true }, new Revision(5), []),
            messages.Of(Target with { Kind = WatchKind.Prefix }, new Revision(5), []),
        };
        Assert.That(told, Is.Unique);
        Assert.That(_encoded, Is.EqualTo(4));
    }

    [Test]
    public void Beyond_the_bound_the_oldest_are_forgotten_and_one_that_is_larger_than_it_is_told_all_the_same()
    {
        var messages = Messages(250);
        for (var revision = 1; revision <= 10; revision++)
        {
            messages.Of(Target, new Revision(revision), []);
            Assert.That(messages.Bytes, Is.LessThanOrEqualTo(250));
        }
        messages.Of(Target, new Revision(10), []);
        Assert.That(_encoded, Is.EqualTo(10), "the newest is still there");
        messages.Of(Target, new Revision(1), []);
        Assert.That(_encoded, Is.EqualTo(11), "the oldest is encoded again");
        Assert.That(messages.Of(Target, new Revision(900), []).Bytes, Has.Length.EqualTo(1000));
        Assert.That(messages.Bytes, Is.Zero);
    }
}
