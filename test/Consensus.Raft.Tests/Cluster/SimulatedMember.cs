using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft.Tests.Cluster;

/// <summary>One member: its core, and the disk that survives it. Writes become durable in order, some ticks after they were asked for.</summary>
internal sealed class SimulatedMember(MemberId id, Configuration configuration)
{
    private readonly Queue<(long At, Ready Ready)> _writing = new();
    private readonly Queue<(long Sequence, IReadOnlyList<Message> Messages)> _held = new();
    private readonly List<Message> _released = [];
    private readonly Dictionary<long, long> _reads = [];
    private readonly List<Entry> _disk = [];
    private HardState _hardState;
    private SnapshotMark? _diskSnapshot;
    private long _handed;
    private long _durable;
    private long _context;
    private long _boot;
    private Entry? _lastApplied;

    public MemberId Id { get; } = id;

    public RaftNode? Node { get; private set; }

    public LogIndex Applied { get; private set; }

    public void Start(RaftOptions options)
    {
        _handed = _durable = 0;

        // Every process asks under the same contexts as the one before: only boots tell their questions apart.
        _context = 0;
        _boot++;
        Applied = _diskSnapshot?.LastIndex ?? LogIndex.Zero;
        _lastApplied = null;
        Node = new RaftNode(options with { Boot = _boot }, new RaftInitialState(Id, _hardState, _diskSnapshot?.Configuration ?? configuration, _diskSnapshot, [.. _disk]));
    }

    public void Crash()
    {
        Node = null;
        _writing.Clear();
        _held.Clear();
        _released.Clear();
        _reads.Clear();
    }

    public void Write(Ready ready, long at)
    {
        _handed = ready.Sequence;
        _writing.Enqueue((_writing.Count > 0 ? Math.Max(at, _writing.Last().At) : at, ready));
        if (ready.Snapshot is { } mark)
        {
            Applied = mark.LastIndex;
            _lastApplied = null;
        }
    }

    public void Hold(IReadOnlyList<Message> messages)
    {
        if (messages.Count > 0)
        {
            _held.Enqueue((_handed, messages));
            Release();
        }
    }

    public void FinishWrites(long now)
    {
        while (_writing.TryPeek(out var first) && first.At <= now)
        {
            _writing.Dequeue();
            Store(first.Ready);
            _durable = first.Ready.Sequence;
            Node!.Persisted(_durable);
            Release();
        }
    }

    public List<Message> TakeReleased()
    {
        var taken = _released.ToList();
        _released.Clear();
        return taken;
    }

    public void Apply(Entry entry)
    {
        Assert.That(entry.Index, Is.EqualTo(Applied.Next), "entries are applied in order");
        if (_lastApplied is not null)
        {
            Assert.That(entry.Stamp, Is.GreaterThanOrEqualTo(_lastApplied.Stamp), "stamps never fall");
        }
        Applied = entry.Index;
        _lastApplied = entry;
    }

    /// <summary>Snapshots what is applied, as if file and mark were durable at once.</summary>
    public void TakeSnapshot()
    {
        if (_lastApplied is null || _writing.Count > 0 || _disk.Count == 0 || _disk[^1].Index < _lastApplied.Index)
        {
            return;
        }
        var mark = new SnapshotMark(_lastApplied.Index, _lastApplied.Term, _lastApplied.Stamp, configuration);
        _diskSnapshot = mark;
        _disk.RemoveAll(e => e.Index <= mark.LastIndex);
        Node!.SnapshotTaken(mark);
    }

    public void StartRead(long mustSee)
    {
        _reads.Add(++_context, mustSee);
        Node!.ReadIndex(_context);
    }

    public long? FinishRead(long context) => _reads.Remove(context, out var mustSee) ? mustSee : null;

    private void Store(Ready ready)
    {
        if (ready.HardState is { } hardState)
        {
            _hardState = hardState;
        }
        if (ready.Snapshot is { } mark)
        {
            _diskSnapshot = mark;
            _disk.Clear();
        }
        if (ready.Entries.Count > 0)
        {
            _disk.RemoveAll(e => e.Index >= ready.Entries[0].Index);
            _disk.AddRange(ready.Entries.Where(e => e.Index > (_diskSnapshot?.LastIndex ?? LogIndex.Zero)));
        }
    }

    private void Release()
    {
        while (_held.TryPeek(out var first) && first.Sequence <= _durable)
        {
            _released.AddRange(_held.Dequeue().Messages);
        }
    }
}
