using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Tests.Support;
using Consensus.Server.Watches;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Microsoft.Extensions.Logging.Abstractions;

namespace Consensus.Server.Tests.Watches;

/// <summary>The hub and its streams, without connections.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class WatchHubTests
{
    private readonly InProcessNode _node = new();
    private readonly ManualClock _clock = new();
    private readonly CancellationTokenSource _gone = new();
    private readonly List<Task> _streams = [];
    private WatchHub _hub = null!;

    [SetUp]
    public void CreateHub() => _hub = new WatchHub(_node, _clock, 20_000, 32 << 20, NullLogger.Instance);

    [TearDown]
    public async Task StopHubAsync()
    {
        _hub.Stop();
        await _gone.CancelAsync();
        await Task.WhenAll(_streams).InTimeAsync();
        _hub.Dispose();
        _gone.Dispose();
    }

    private async Task<PipeReader> WatchAsync(WatchKind kind, string name, long? from = null)
    {
        var answer = await _node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, CancellationToken.None);
        var start = from is { } revision ? new Revision(revision) : answer.View!.Revision.Next;
        var watcher = _hub.Open(new WatchTarget(kind, Key.FromText(name), WithPrevious: false), start, answer.View!, Right(answer.View!));
        Assert.That(watcher, Is.Not.Null);
        var pipe = new Pipe();
        _streams.Add(RunAsync(watcher!, pipe.Writer));
        return pipe.Reader;
    }

    private static StreamRight Right(StateView view) =>
        new(Actor.Nobody, Access.To(Spaces.Keys, Verbs.Read, Key.FromText("k")), view.Policy);

    private async Task RunAsync(Watcher watcher, PipeWriter output)
    {
        await Task.Yield();
        try
        {
            await new WatchStream(_hub, watcher, output, 32 * 1024, () => _gone.Cancel(), _gone.Token).RunAsync(ReadOnlyMemory<byte>.Empty);
        }
        catch (OperationCanceledException) when (_gone.IsCancellationRequested)
        {
            // It was writing to a reader that is gone.
        }
        await output.CompleteAsync();
        _hub.Close(watcher);
    }

    private void Put(string key, string value = "v") =>
        _node.Propose(new PutCommand(Key.FromText(key), Encoding.UTF8.GetBytes(value), LeaseId.None, KeyCondition.None));

    private static async Task<string> ReadAsync(PipeReader reader, Func<string, bool> isEnough)
    {
        using var limit = Patience.Begin();
        var text = new StringBuilder();
        while (true)
        {
            var result = await reader.ReadAsync(limit.Token);
            var seen = Math.Max(0, text.Length - 100);
            text.Append(Encoding.UTF8.GetString(result.Buffer));
            reader.AdvanceTo(result.Buffer.End);
            // Only what is new, and a little before it: the whole of a long text, looked through at each piece, takes minutes.
            if (isEnough(text.ToString(seen, text.Length - seen)) || result.IsCompleted)
            {
                return text.ToString();
            }
        }
    }

    private static long[] IdsOf(string text) =>
        [.. text.Split('\n').Where(line => line.StartsWith("id: ", StringComparison.Ordinal)).Select(line => long.Parse(line.AsSpan(4), null))];

    /// <summary>The clock stands still, so that no heartbeat wakes it either.</summary>
    [Test]
    public async Task A_watch_that_sleeps_is_woken_by_the_policy_that_takes_its_right()
    {
        var view = _node.View;
        var watcher = _hub.Open(
            new WatchTarget(WatchKind.Key, Key.FromText("k"), WithPrevious: false), view.Revision.Next, view, Right(view))!;
        var pipe = new Pipe();
        _streams.Add(RunAsync(watcher, pipe.Writer));
        Patience.Until(() => watcher.SleepsAt >= 0, "it sleeps");
        _node.Propose(new EnableAuthCommand("admin"));
        Assert.That(
            await ReadAsync(pipe.Reader, text => text.EndsWith("\n\n", StringComparison.Ordinal)), Does.StartWith("event: forbidden\n"));
    }

    [Test]
    public async Task Ten_thousand_watches_of_one_key_are_all_told_a_put()
    {
        var readers = new List<PipeReader>();
        for (var i = 0; i < 10_000; i++)
        {
            readers.Add(await WatchAsync(WatchKind.Key, "hot"));
        }
        Put("cold");
        Put("hot");
        foreach (var reader in readers)
        {
            Assert.That(IdsOf(await ReadAsync(reader, text => text.EndsWith("\n\n", StringComparison.Ordinal))), Is.EqualTo(new[] { 3L }));
        }
        Assert.That(_hub.Watches, Is.EqualTo(10_000));
    }

    [Test]
    public async Task A_revision_of_the_past_is_encoded_once_for_all_who_read_it()
    {
        const int Bytes = 100_000;
        Put("hot", new string('v', Bytes));
        Put("cold");
        var readers = new List<PipeReader>();
        for (var i = 0; i < 20; i++)
        {
            readers.Add(await WatchAsync(WatchKind.Key, "hot", from: 2));
        }
        foreach (var reader in readers)
        {
            Assert.That(IdsOf(await ReadAsync(reader, text => text.EndsWith("\n\n", StringComparison.Ordinal))), Is.EqualTo(new[] { 2L }));
        }
        Assert.That(_hub.MessageBytes, Is.InRange(Bytes, Bytes + 1000), "there is one of it");
    }

    [Test]
    public async Task Watches_with_many_targets_are_each_told_their_own_and_in_order()
    {
        var random = new DeterministicRandom(11);
        var targets = new List<(WatchKind Kind, string Name, long From)>();
        var readers = new List<PipeReader>();
        var written = new List<(long Revision, string Key)>();
        for (var revision = 2L; revision <= 3_000; revision++)
        {
            var key = $"{(char)('a' + random.Next(3))}{(char)('a' + random.Next(3))}{random.Next(4)}";
            Put(key);
            written.Add((revision, key));
            if (random.Chance(1, 30))
            {
                var name = key[..(int)random.Next(0, 4)];
                var from = 2 + random.Next(revision);
                targets.Add((name.Length == 3 ? WatchKind.Key : WatchKind.Prefix, name, from));
                readers.Add(await WatchAsync(targets[^1].Kind, name, from));
            }
        }
        for (var i = 0; i < targets.Count; i++)
        {
            var (kind, name, from) = targets[i];
            var expected = written
                .Where(one => one.Revision >= from && (kind == WatchKind.Key ? one.Key == name : one.Key.StartsWith(name, StringComparison.Ordinal)))
                .Select(one => one.Revision).ToArray();
            var told = expected.Length == 0 ? [] : IdsOf(await ReadAsync(readers[i], text => text.Contains($"id: {expected[^1]}\n", StringComparison.Ordinal)));
            Assert.That(told, Is.EqualTo(expected), $"{kind} {name} from {from}");
        }
    }

    [Test]
    public async Task A_reader_that_takes_nothing_holds_no_queue_and_goes_on_in_the_history()
    {
        var reader = await WatchAsync(WatchKind.Prefix, "k");
        var value = new string('x', 200_000);
        for (var i = 0; i < 300; i++)
        {
            Put("k" + i, value);
        }
        var told = IdsOf(await ReadAsync(reader, text => text.Contains("id: 301\n", StringComparison.Ordinal)));
        Assert.That(told, Is.EqualTo(Enumerable.Range(2, 300).Select(i => (long)i)));
    }

    [Test]
    public async Task A_reader_that_comes_too_late_is_told_so_at_the_end()
    {
        var reader = await WatchAsync(WatchKind.Prefix, "k");
        var value = new string('x', 200_000);
        for (var i = 0; i < 300; i++)
        {
            Put("k" + i, value);
        }
        // Another watch is told the last of them: so the hub has seen them all, and has kept less than it saw.
        var other = await WatchAsync(WatchKind.Key, "k299", 301);
        await ReadAsync(other, text => text.Contains("id: 301\n", StringComparison.Ordinal));
        _node.Propose(new CompactCommand(new Revision(301)));
        Put("k300");
        await ReadAsync(await WatchAsync(WatchKind.Key, "k300", 302), text => text.Contains("id: 302\n", StringComparison.Ordinal));
        var text = await ReadAsync(reader, _ => false);
        Assert.That(text, Does.EndWith("event: compacted\ndata: {\"compactRevision\":301}\n\n"));
        Assert.That(IdsOf(text), Is.EqualTo(Enumerable.Range(2, IdsOf(text).Length).Select(i => (long)i)), "what came before it has no gap");
    }

    [Test]
    public async Task A_silent_watch_says_from_time_to_time_that_it_is_there()
    {
        var reader = await WatchAsync(WatchKind.Key, "k");
        Put("other");
        using var limit = Patience.Begin();
        var read = ReadAsync(reader, text => text.EndsWith("id: 2\n\n", StringComparison.Ordinal));
        while (!read.IsCompleted)
        {
            Assert.That(limit.IsCancellationRequested, Is.False, "in time: a heartbeat");
            _clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.That(await read, Does.Match("^(:\nid: 1\n\n)*:\nid: 2\n\n$"), "how far it may go on from, once the change beside it was looked at");
        Assert.That(_clock.Now, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(15)));
        // A compaction of what it passed over does it no harm.
        _node.Propose(new CompactCommand(new Revision(2)));
        Put("k");
        Assert.That(IdsOf(await ReadAsync(reader, text => text.Contains("id: 3\n", StringComparison.Ordinal)))[^1], Is.EqualTo(3));
    }

    [Test]
    public async Task A_stopped_hub_ends_its_streams_and_takes_no_more()
    {
        var reader = await WatchAsync(WatchKind.Key, "k");
        _hub.Stop();
        Assert.That(await ReadAsync(reader, _ => false), Is.Empty);
        var answer = await _node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, CancellationToken.None);
        Assert.That(
            _hub.Open(new WatchTarget(WatchKind.Key, Key.FromText("k"), false), new Revision(2), answer.View!, Right(answer.View!)),
            Is.Null);
    }
}
