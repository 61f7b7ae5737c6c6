using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Node.Runtime;
using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Node.Tests.Runtime;

public sealed class LogThreadTests
{
    [Test]
    public void What_waits_for_the_disk_is_written_in_frames_of_bounded_size_and_each_is_told()
    {
        var log = new HeldLog();
        var told = new List<long>();
        var thread = new LogThread(log, (input, _) => told.Add(((PersistedInput)input).Sequence), (_, failure) => throw failure);
        thread.Start();
        thread.Append([Request(1, 100)]);
        Patience.Until(() => log.IsWriting, "the first write is under way");
        for (var sequence = 2; sequence <= 31; sequence++)
        {
            thread.Append([Request(sequence, 1_500_000)]);
        }
        thread.Append([Request(32, 20_000_000)]);
        log.Release();
        thread.Stop();
        Assert.That(log.Frames[0], Is.EqualTo(new[] { 1L }));
        Assert.That(log.Frames.SelectMany(frame => frame), Is.EqualTo(Enumerable.Range(1, 32)));
        Assert.That(log.Frames.Skip(1).SkipLast(1).Select(frame => frame.Count), Is.All.EqualTo(2), "4 MiB hold two of them");
        Assert.That(log.Frames[^1], Is.EqualTo(new[] { 32L }), "what is larger goes alone");
        Assert.That(told, Is.EqualTo(log.Frames.Select(frame => frame[^1])));
    }

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

    /// <summary>The first write waits until it is released.</summary>
    private sealed class HeldLog : IDurableLog
    {
        private readonly ManualResetEventSlim _released = new();

        public List<List<long>> Frames { get; } = [];

        public bool IsWriting { get; private set; }

        public bool LastFrameIsUncovered => false;

        public long SizeBytes => 0;

        public long Flushes => Frames.Count;

        public void Release() => _released.Set();

        public void Append(IReadOnlyList<PersistRequest> batch)
        {
            IsWriting = true;
            _released.Wait();
            Frames.Add([.. batch.Select(request => request.Sequence)]);
        }

        public void AppendEmptyFrame()
        {
        }

        public void Compact(LogIndex through)
        {
        }

        public void Dispose() => _released.Dispose();
    }
}
