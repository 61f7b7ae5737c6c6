using Consensus.Node;
using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Locks;
using Consensus.Server.Tests.Support;
using Consensus.Server.Watches.States;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Microsoft.Extensions.Logging.Abstractions;

namespace Consensus.Server.Tests.Watches;

/// <summary>Streams of states without connections.</summary>
internal sealed class StateStreamsTests
{
    private InProcessNode _node = null!;
    private LockForm _form = null!;
    private StateStreams _streams = null!;
    private long _leases;

    [SetUp]
    public void Create()
    {
        _node = new InProcessNode();
        _form = new LockForm(new Replies(_node, new ByteBudget(1 << 20)));
        _streams = new StateStreams(_node, TimeProvider.System, 1000, NullLogger.Instance);
    }

    [TearDown]
    public void Stop() => _streams.Stop();

    private async Task<StateView> ViewAsync() => (await _node.ReadAsync(ReadConsistency.Stale, Revision.Zero, CancellationToken.None)).View!;

    private async Task<(StateGroup Group, LogIndex Seen)> OpenAsync(string name)
    {
        var view = await ViewAsync();
        return (_streams.Open(new HoldSubject(_form, ObjectName.Lock(Key.FromText(name))), view)!, view.AppliedIndex);
    }

    private void Acquire(string name, string owner) =>
        _node.Propose(new AcquireCommand(Key.FromText(name), owner, 15_000_000, new LeaseId(++_leases), LeaseId.None, 0));

    private async Task<StateMessage> NextAsync(StateGroup group, LogIndex seen)
    {
        StateMessage? message = null;
        await Patience.UntilAsync(async () => (message = (await _streams.NextAsync(group, seen)).Message) is not null, "it is told");
        return message!;
    }

    [Test]
    public async Task All_streams_of_a_lock_are_told_one_message_that_is_encoded_once()
    {
        var (one, seen) = await OpenAsync("a");
        var (two, _) = await OpenAsync("a");
        Assert.That(one, Is.SameAs(two));
        Acquire("a", "me");
        var told = await NextAsync(one, seen);
        Assert.That(await NextAsync(two, seen), Is.SameAs(told));
        Assert.That((await _streams.NextAsync(one, told.Index)).Message, Is.Null, "it is told once");
        Assert.That(_streams.KeptBytes, Is.EqualTo(told.Message.Bytes.Length));
        _streams.Close(one);
        _streams.Close(two);
        Assert.That((_streams.KeptBytes, _streams.Count), Is.EqualTo((0L, 0)), "nothing is kept for nobody");
    }

    [Test]
    public async Task Messages_that_are_kept_have_a_bound_and_who_still_wants_one_has_it_encoded_again_for_all()
    {
        var names = Enumerable.Range(0, 20).Select(i => $"lock-{i}").ToList();
        var open = new List<(StateGroup Group, LogIndex Seen)>();
        foreach (var name in names)
        {
            open.Add(await OpenAsync(name));
        }
        names.ForEach(name => Acquire(name, new string('o', 200)));
        await Patience.UntilAsync(() => open.All(stream => stream.Group.Index > stream.Seen), "all are looked at");
        Assert.That(_streams.KeptBytes, Is.InRange(1, 1000));
        foreach (var (group, seen) in open)
        {
            var told = await NextAsync(group, seen);
            Assert.That(System.Text.Encoding.UTF8.GetString(told.Message.Bytes), Does.Contain("event: lock\n").And.Contain("oooo"));
            Assert.That(await NextAsync(group, seen), Is.SameAs(told), "others need not encode it again");
            Assert.That(_streams.KeptBytes, Is.InRange(1, 1000));
        }
    }

    [Test]
    public async Task A_stream_that_was_told_something_newer_is_not_told_something_older()
    {
        var (group, _) = await OpenAsync("a");
        Acquire("a", "me");
        var late = (await ViewAsync()).AppliedIndex;
        var told = await NextAsync(group, LogIndex.Zero);
        Assert.That(told.Index, Is.EqualTo(late));
        Assert.That((await _streams.NextAsync(group, late)).Message, Is.Null);
    }

    [Test]
    public async Task When_the_member_stops_all_are_woken_and_none_begins()
    {
        var (group, seen) = await OpenAsync("a");
        var step = await _streams.NextAsync(group, seen);
        Assert.That(step.Woken.IsCompleted, Is.False);
        _streams.Stop();
        await step.Woken.InTimeAsync();
        Assert.That(await _streams.NextAsync(group, seen), Is.EqualTo(StateStep.Stop));
        Assert.That(_streams.Open(group.Subject, await ViewAsync()), Is.Null);
    }
}
