using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Node.Runtime;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Node.Tests.Runtime;

/// <summary>What the log's thread does, step by step, without a thread.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LogWriterTests
{
    private readonly RecordingLog _log = new();
    private readonly RecordingThreads _threads = new();
    private readonly List<string> _failures = [];

    private LogWriter Writer() => new(_log, _threads, (what, _) => _failures.Add(what));

    [Test]
    public void Everything_that_waits_is_one_batch_and_is_told_when_it_is_durable()
    {
        var writer = Writer();
        writer.Append([Request(1), Request(2)]);
        writer.Append([Request(3)]);
        Assert.That(writer.Next(hasIdled: false), Is.EqualTo(LogStep.Write));
        Assert.That(_threads.Posted, Is.Empty);
        Assert.That(writer.Do(LogStep.Write), Is.True);
        Assert.That(_log.Done, Is.EqualTo(new[] { "1 2 3" }));
        Assert.That(_threads.Posted, Is.EqualTo(new NodeInput[] { new PersistedInput(3) }));
        Assert.That(writer.Next(hasIdled: false), Is.EqualTo(LogStep.Sleep));
    }

    [Test]
    public void What_waits_for_the_disk_is_written_in_frames_of_bounded_size_and_each_is_told()
    {
        var writer = Writer();
        writer.Append([Request(1, 1_500_000), Request(2, 1_500_000), Request(3, 1_500_000), Request(4, 1_500_000), Request(5, 20_000_000), Request(6, 100)]);
        while (writer.Next(hasIdled: false) == LogStep.Write)
        {
            writer.Do(LogStep.Write);
        }
        Assert.That(_log.Done, Is.EqualTo(new[] { "1 2", "3 4", "5", "6" }), "4 MiB hold two of them, and what is larger goes alone");
        Assert.That(_threads.LeftToLoop.Concat(_threads.Posted), Is.EqualTo(new NodeInput[]
        {
            new PersistedInput(2), new PersistedInput(4), new PersistedInput(5), new PersistedInput(6),
        }));
    }

    [Test]
    public void What_is_durable_is_left_to_the_loop_when_the_next_batch_waits_already()
    {
        var writer = Writer();
        writer.Append([Request(1)]);
        writer.Next(hasIdled: false);
        writer.Append([Request(2)]);
        writer.Do(LogStep.Write);
        Assert.That(_threads.Posted, Is.Empty);
        Assert.That(_threads.LeftToLoop, Is.EqualTo(new NodeInput[] { new PersistedInput(1) }));
    }

    [Test]
    public void A_mark_of_an_own_snapshot_is_told_by_itself()
    {
        var writer = Writer();
        writer.Append([new PersistRequest(0, null, null, new SnapshotMark(new LogIndex(5), new Term(1), default, Configuration.Empty), [])]);
        Assert.That(Step(writer), Is.EqualTo(LogStep.Write));
        Assert.That(_threads.Posted, Is.EqualTo(new NodeInput[] { new SnapshotMarkedInput() }));
    }

    [Test]
    public void A_compaction_comes_between_two_writes_while_more_and_more_waits()
    {
        var writer = Writer();
        writer.Compact(new LogIndex(7));
        writer.Compact(new LogIndex(9));
        writer.Append([Request(1)]);
        Assert.That(Step(writer), Is.EqualTo(LogStep.Write));
        writer.Append([Request(2)]);
        Assert.That(Step(writer), Is.EqualTo(LogStep.Compact));
        Assert.That(Step(writer), Is.EqualTo(LogStep.Write));
        Assert.That(_log.Done, Is.EqualTo(new[] { "1", "through 9", "2" }));
    }

    [Test]
    public void However_many_segments_can_go_what_is_to_be_written_waits_for_a_few_of_them_only()
    {
        var writer = Writer();
        _log.Removals = 3;
        writer.Compact(new LogIndex(9));
        Assert.That(Step(writer), Is.EqualTo(LogStep.Compact));
        writer.Append([Request(1)]);
        Assert.That(Step(writer), Is.EqualTo(LogStep.Write));
        writer.Append([Request(2)]);
        Assert.That(new[] { Step(writer), Step(writer), Step(writer) }, Is.EqualTo(new[] { LogStep.Compact, LogStep.Write, LogStep.Compact }));
        Assert.That(writer.Next(hasIdled: false), Is.EqualTo(LogStep.Sleep), "all of them are gone");
    }

    [Test]
    public void The_end_waits_for_no_removal()
    {
        var writer = Writer();
        writer.Compact(new LogIndex(9));
        writer.Append([Request(1)]);
        writer.Close();
        Assert.That(new[] { Step(writer), Step(writer), Step(writer) }, Is.EqualTo(new[] { LogStep.Write, LogStep.Cover, LogStep.End }));
    }

    [Test]
    public void After_a_second_of_idleness_the_last_frame_is_covered_and_then_nothing_more_is_written()
    {
        var writer = Writer();
        writer.Append([Request(1)]);
        Step(writer);
        Assert.That(writer.Next(hasIdled: false), Is.EqualTo(LogStep.Sleep));
        Assert.That(writer.Next(hasIdled: true), Is.EqualTo(LogStep.Cover));
        writer.Do(LogStep.Cover);
        Assert.That(writer.Next(hasIdled: true), Is.EqualTo(LogStep.Sleep));
    }

    [Test]
    public void What_waits_is_written_and_covered_before_the_end()
    {
        var writer = Writer();
        writer.Append([Request(1)]);
        writer.Close();
        Assert.That(new[] { Step(writer), Step(writer), Step(writer) }, Is.EqualTo(new[] { LogStep.Write, LogStep.Cover, LogStep.End }));
    }

    [Test]
    public void A_failure_is_told_with_a_sentence_and_nothing_is_said_to_be_durable()
    {
        var writer = Writer();
        _log.Failure = new IOException("gone");
        writer.Append([Request(1)]);
        writer.Next(hasIdled: false);
        Assert.That(writer.Do(LogStep.Write), Is.False);
        Assert.That(_failures, Has.Count.EqualTo(1));
        Assert.That(_threads.Posted, Is.Empty);
    }

    private static PersistRequest Request(long sequence) => new(sequence, null, null, null, []);

    private static PersistRequest Request(long sequence, int bytes) => new(sequence, null, null, null, [
        new Entry
        {
            Term = new Term(1),
            Index = new LogIndex(sequence),
            Kind = EntryKind.Command,
            Stamp = ClusterTime.Zero,
            Payload = new byte[bytes],
        },
    ]);

    private static LogStep Step(LogWriter writer)
    {
        var step = writer.Next(hasIdled: false);
        Assert.That(writer.Do(step), Is.True);
        return step;
    }

    private sealed class RecordingLog : IDurableLog
    {
        public List<string> Done { get; } = [];

        public Exception? Failure { get; set; }

        public bool LastFrameIsUncovered { get; private set; }

        public long SizeBytes => 0;

        public long Flushes => 0;

        public void Append(IReadOnlyList<PersistRequest> batch)
        {
            if (Failure is not null)
            {
                throw Failure;
            }
            Done.Add(string.Join(' ', batch.Select(request => request.Sequence)));
            LastFrameIsUncovered = true;
        }

        public void AppendEmptyFrame() => LastFrameIsUncovered = false;

        /// <summary>Removals that are needed until nothing more can go.</summary>
        public int Removals { get; set; } = 1;

        public bool Compact(LogIndex through)
        {
            Done.Add($"through {through}");
            return --Removals > 0;
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Threads that nobody runs.</summary>
    private sealed class RecordingThreads : INodeThreads
    {
        public List<NodeInput> Posted { get; } = [];

        public List<NodeInput> LeftToLoop { get; } = [];

        public bool Post(NodeInput input)
        {
            Posted.Add(input);
            return true;
        }

        public bool PostToLoop(NodeInput input)
        {
            LeftToLoop.Add(input);
            return true;
        }

        public void PostFromPeer(NodeInput input, int bytes) => throw new NotSupportedException();

        public void TurnForPeers() => throw new NotSupportedException();

        public void PostAction(Action action) => throw new NotSupportedException();

        public void WakeLog()
        {
        }

        public void Run(BackgroundWork work, Action body) => throw new NotSupportedException();

        public void Rest(TimeSpan time) => throw new NotSupportedException();

        public void After(TimeSpan time, Action body) => throw new NotSupportedException();

        public void Complete(List<IAwaited> answered) => throw new NotSupportedException();

        public void EndTurns() => throw new NotSupportedException();
    }
}
