using System.Buffers;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Snapshots;
using DotNext.IO;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;

namespace Consensus.Peers.Serving;

/// <summary>
/// Our <see cref="ReplicatedState"/> as the library's state machine. The library applies, one entry after the other; any thread reads. Its
/// snapshots are ours in files of the library's,
/// one after every so many entries.
/// </summary>
internal sealed class AppliedState(DirectoryInfo directory, long snapshotEntries, Action<Resolution> resolve)
    : SimpleStateMachine(directory)
{
    private readonly Lock _gate = new();
    private readonly ApplyOutput _output = new();
    private ReplicatedState _state = new(Limits.Default);
    private StateView? _view;
    private StateView? _toSave;
    private long _entriesSinceSnapshot;

    /// <summary>Of now; two calls without an entry between them are told the same.</summary>
    public StateView View
    {
        get
        {
            lock (_gate)
            {
                return _view ??= _state.TakeView();
            }
        }
    }

    public ClusterTime AppliedStamp
    {
        get
        {
            lock (_gate)
            {
                return _state.AppliedStamp;
            }
        }
    }

    /// <summary>When the next lease, wait or hold ends, in cluster time.</summary>
    public ClusterTime NextDeadline
    {
        get
        {
            lock (_gate)
            {
                return _state.NextDeadline;
            }
        }
    }

    public Revision? CompactionDue(ClusterTime now)
    {
        lock (_gate)
        {
            return _state.CompactionDue(now, out _);
        }
    }

    public IReadOnlyList<MemberInfo> Members()
    {
        lock (_gate)
        {
            return [.. _state.ListMembers()];
        }
    }

    protected override ValueTask<bool> ApplyAsync(LogEntry entry, CancellationToken token)
    {
        _output.Clear();
        lock (_gate)
        {
            // Copied: the state keeps values as they stand in the command, and the library writes its pages again.
            var bytes = entry.TryGetPayload(out var payload) ? payload.ToArray() : [];
            var index = new LogIndex(entry.Index);
            // The library keeps its own empty entries to itself; our state counts every index.
            while (_state.AppliedIndex.Next < index)
            {
                _state.Apply(Nothing(_state.AppliedIndex.Next), _output);
            }
            _state.Apply(
                bytes.Length >= LoggedCommand.LeastBytes ? LoggedCommand.Read(index, bytes, _state.AppliedStamp) : Nothing(index), _output);
            _view = null;
        }
        foreach (var resolution in _output.Resolutions)
        {
            resolve(resolution);
        }
        if (++_entriesSinceSnapshot < snapshotEntries)
        {
            return ValueTask.FromResult(false);
        }
        _entriesSinceSnapshot = 0;
        _toSave = View;
        return ValueTask.FromResult(true);
    }

    private LoggedEntry Nothing(LogIndex index) => new(index, _state.AppliedStamp, false, RequestId.None, "", default);

    protected override ValueTask PersistAsync(IAsyncBinaryWriter writer, CancellationToken token)
    {
        var sink = new SnapshotStream.Sink(writer, token);
        SnapshotWriter.Write(_toSave!, sink);
        sink.Section(0, []);
        return ValueTask.CompletedTask;
    }

    protected override ValueTask RestoreAsync(FileInfo snapshotFile, CancellationToken token)
    {
        using var file = snapshotFile.OpenRead();
        var restored = ReplicatedState.Restore(Limits.Default, new SnapshotStream.Source(file));
        lock (_gate)
        {
            (_state, _view) = (restored, null);
        }
        return ValueTask.CompletedTask;
    }
}
