using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>
/// Snapshots. Own: a view is taken here, encoded and saved elsewhere, then marked in the log, and only then is the log cut. From the leader: the
/// file is on disk and decoded before the core hears of it.
/// </summary>
public sealed partial class NodeCore
{
    /// <summary>A snapshot of at most this size is never too large for its log.</summary>
    private const long SmallSnapshotBytes = 4 << 20;

    private SnapshotFile? _snapshot;
    private SnapshotFile? _saved;
    private LogIndex _loggedAtSnapshot;
    private readonly DeterministicRandom _snapshotDraws;
    private long _bytesSinceSnapshot;
    private long _snapshotBytesDue;
    private bool _snapshotUnderWay;

    /// <summary>What arrived in this turn; the core takes one of them or none.</summary>
    private readonly List<SnapshotArrivedInput> _arrived = [];
    private (SnapshotMark Mark, long Sequence)? _installed;

    private void ConsiderSnapshot()
    {
        if (_appliedConfiguration.Voters.IsEmpty)
        {
            // A member that joined does not know yet who counts; a snapshot of its own would say that nobody does.
            return;
        }
        if (_snapshotUnderWay || !SnapshotIsDue())
        {
            return;
        }
        FreshenView();
        _snapshotUnderWay = true;
        _loggedAtSnapshot = _state.AppliedIndex;
        _bytesSinceSnapshot = 0;
        _snapshotBytesDue = DrawSnapshotBytes();
        _out.SaveSnapshot = new SnapshotOrder(AppliedMark(), View);
    }

    /// <summary>What is small is cut after so many entries. To write a large state anew for a little log would cost many times what the commands themselves do.</summary>
    private bool SnapshotIsDue() =>
        _bytesSinceSnapshot >= _snapshotBytesDue
        || (_state.AppliedIndex - _loggedAtSnapshot >= _options.SnapshotEntries
            && (_snapshot is not { LengthBytes: > SmallSnapshotBytes } || _bytesSinceSnapshot >= _snapshot.LengthBytes / 2));

    /// <summary>Up to a quarter early: the members apply the same log, and shall not all write their snapshots at once.</summary>
    private long DrawSnapshotBytes() => _options.SnapshotBytes - _snapshotDraws.Next(Math.Max(1, _options.SnapshotBytes / 4));

    /// <summary>Where the present state stands in the log.</summary>
    private SnapshotMark AppliedMark() => new(_state.AppliedIndex, _appliedTerm, _state.AppliedStamp, _appliedConfiguration);

    private void OnSnapshotSaved(SnapshotFile file)
    {
        if (_snapshot is not null && _snapshot.Mark.LastIndex >= file.Mark.LastIndex)
        {
            // One from the leader overtook it while it was written.
            _snapshotUnderWay = false;
            return;
        }
        _saved = file;
        _out.Persists.Add(new PersistRequest(0, null, null, file.Mark, []));
    }

    private void OnSnapshotMarked()
    {
        _snapshotUnderWay = false;
        var file = _saved;
        _saved = null;
        if (file is null || (_snapshot is not null && _snapshot.Mark.LastIndex >= file.Mark.LastIndex))
        {
            return;
        }
        _snapshot = file;
        _raft.SnapshotTaken(file.Mark);
        _out.Compact = file.Mark;
        _statusIsStale = true;
    }

    private void OnSnapshotArrived(SnapshotArrivedInput arrived)
    {
        Heard(arrived.Request.From);
        _arrived.Add(arrived);
        _raft.Step(arrived.Request);
    }

    /// <summary>The core took the leader's snapshot: the state is replaced before anything after it is applied.</summary>
    private void InstallArrived(SnapshotMark mark, long sequence)
    {
        var arrived = _arrived.Find(a => ReferenceEquals(a.Request.Mark, mark));
        Invariant.Require(arrived is not null, "only a snapshot that is on disk is installed");
        Invariant.Require(mark.LastIndex > _state.AppliedIndex, "a snapshot never takes the state back");
        _state = arrived.State;
        Invariant.Require(_state.AppliedIndex == mark.LastIndex, "a snapshot holds what its mark says");
        _snapshot = arrived.File;
        _hashes.Restart(_state.AppliedIndex, _state.Hash);
        _appliedTerm = mark.LastTerm;
        _appliedConfiguration = mark.Configuration;
        _loggedAtSnapshot = mark.LastIndex;
        _bytesSinceSnapshot = 0;
        _installed = (mark, sequence);
        _statusIsStale = true;
        FreshenView();
        AnswerWhatTheSnapshotHid(mark.LastTerm);
        AnswerChangesThatTheSnapshotHid(mark.LastTerm);
        NoticeRemoval();
    }

    /// <summary>Only once the log names the installed snapshot durably may the one before it go: until then a restart needs that one.</summary>
    private void CompactWhatIsInstalled()
    {
        if (_installed is { } installed && installed.Sequence <= _durable)
        {
            _installed = null;
            _out.Compact = installed.Mark;
        }
    }

    /// <summary>
    /// Entries inside the snapshot were never applied here one by one, so what became of the requests among them cannot be told (rule 20).
    /// </summary>
    private void AnswerWhatTheSnapshotHid(Term lastTerm)
    {
        var hidden = _pending.Values
            .Where(p => p.Stage == PendingStage.Waiting || (p.Stage == PendingStage.Sent && p.SentIn <= lastTerm))
            .OrderBy(p => p.Request.Sequence)
            .ToList();
        foreach (var pending in hidden)
        {
            if (!pending.HasIdentity)
            {
                CancelInLog(pending);
            }
            Answer(pending, AnswerKind.Unknown, null, NotDoneReason.None);
        }
    }
}
