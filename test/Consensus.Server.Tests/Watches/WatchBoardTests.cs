using System.Runtime.CompilerServices;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.Server.Watches;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Watches;

/// <summary>What the board keeps, and what it lets go of.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class WatchBoardTests
{
    private const int MessageBytes = 300;

    private static readonly WatchTarget Target = new(WatchKind.Key, Key.FromText("k"), WithPrevious: false);

    private readonly InProcessNode _node = new();
    private readonly WatchBoard _board = new(mostWatches: 10, mostMessages: 100, mostMessageBytes: 3 * MessageBytes);

    [Test]
    public async Task What_was_kept_before_changes_were_missed_is_counted_no_more()
    {
        var first = await ViewAsync();
        var watcher = _board.Open(Target, first.Revision.Next, first, out _)!;
        for (var i = 0; i < 3; i++)
        {
            Put();
            Publish(await ViewAsync());
            Assert.That(_board.KeptBytes, Is.EqualTo(MessageBytes));
            var taken = new List<WatchMessage>();
            watcher.Next = _node.Status.Revision;
            Assert.That(_board.Step(watcher, taken, MessageBytes, 0, out _), Is.EqualTo(WatchStep.Write), "what is kept is there to be taken");
            Put();
            _node.Propose(new CompactCommand((await ViewAsync()).Revision));
            Publish(await ViewAsync());
            Assert.That(_board.KeptBytes, Is.Zero);
        }
    }

    [Test]
    public async Task No_state_is_kept_alive_once_the_last_watch_is_gone()
    {
        var view = await WatchAndGoAsync();
        Put();
        GC.Collect();
        Assert.That(view.TryGetTarget(out _), Is.False);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task<WeakReference<StateView>> WatchAndGoAsync()
    {
        var view = await ViewAsync();
        var watcher = _board.Open(Target, view.Revision.Next, view, out _)!;
        Assert.That(_board.IsNeeded(out _), Is.True);
        _board.Close(watcher);
        Assert.That(_board.IsNeeded(out _), Is.False);
        return new WeakReference<StateView>(view);
    }

    private void Publish(StateView view)
    {
        foreach (var match in _board.Collect(view))
        {
            _board.Publish(match.Group, new WatchMessage(match.Revision, new byte[MessageBytes]));
        }
        _board.PublishedAll();
    }

    private async Task<StateView> ViewAsync() => (await _node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, CancellationToken.None)).View!;

    private void Put() => _node.Propose(new PutCommand(Key.FromText("k"), "v"u8.ToArray(), LeaseId.None, KeyCondition.None));
}
