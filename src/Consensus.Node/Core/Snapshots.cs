using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Node.Core;

/// <summary>
/// Snapshots. Own: a view is taken here, encoded and saved elsewhere, then marked in the log, and only then is the log cut. From the leader: the
/// file is on disk and decoded before the core hears of it.
/// </summary>
internal sealed class Snapshots
{
    /// <summary>A snapshot of at most this size is never too large for its log.</summary>
    private const long SmallBytes = 4 << 20;

    /// <summary>After the disk had no room for one in place of a bad one.</summary>
    private const long PauseMicros = 10_000_000;

    private readonly TurnContext _turn;
    private readonly DeterministicRandom _draws;

    /// <summary>What arrived in this turn; the core takes one of them or none.</summary>
    private readonly List<SnapshotArrivedInput> _arrived = [];
    private SnapshotFile? _saved;
    private (SnapshotMark Mark, long Sequence)? _installed;
    private LogIndex _startedAt;
    private long _bytesSince;
    private long _bytesDue;
    private bool _isUnderWay;

    /// <summary>The file in use cannot be read, or is not what it was. Only a restart needs it, and whom it would be sent to: a new one is due.</summary>
    private bool _isBad;

    private long _notBefore;

    /// <param name="latest">What the state was restored from.</param>
    public Snapshots(TurnContext turn, SnapshotFile? latest)
    {
        _turn = turn;
        Latest = latest;
        _startedAt = turn.Applied.Index;
        _draws = new DeterministicRandom(turn.Options.Raft.Seed ^ (ulong)turn.Options.Self.Value);
        _bytesDue = DrawBytesDue();
    }

    /// <summary>The newest that the log names.</summary>
    public SnapshotFile? Latest { get; private set; }

    /// <summary>An entry was applied.</summary>
    public void Count(long entryBytes) => _bytesSince += entryBytes;

    /// <summary>Between two entries.</summary>
    public void TakeWhenDue()
    {
        if (_turn.Applied.Configuration.Voters.IsEmpty)
        {
            // A member that joined does not know yet who counts; a snapshot of its own would say that nobody does.
            return;
        }
        if (_isUnderWay || !IsDue())
        {
            return;
        }
        _turn.Applied.FreshenView(_turn.Now);
        _isUnderWay = true;
        _startedAt = _turn.Applied.Index;
        _bytesSince = 0;
        _bytesDue = DrawBytesDue();
        _turn.Out.SaveSnapshot = new SnapshotOrder(_turn.Applied.Mark, _turn.Applied.View);
    }

    public void OnSaved(SnapshotFile file)
    {
        if (IsOvertaken(file))
        {
            // One from the leader overtook it while it was written.
            _isUnderWay = false;
            return;
        }
        _saved = file;
        _turn.Out.Persists.Add(new PersistRequest(0, null, null, file.Mark, []));
    }

    /// <summary>There was no room: the next one is tried when as much was logged again; in place of a bad one, after a pause.</summary>
    public void OnNotSaved()
    {
        _isUnderWay = false;
        _notBefore = _turn.Now + PauseMicros;
    }

    /// <summary>
    /// How the sending of one ended. When our own file is at fault, this member's state is whole all the same, since it is in memory: it goes on, and writes another file. Without one
    /// it could not start again.
    /// </summary>
    public void OnSent(SnapshotSentInput sent)
    {
        var isFileAtFault = sent.Outcome is { End: SnapshotEnd.Unreadable } or { Rejection.Reason: SnapshotRefusal.Damaged };
        _turn.Raft.ReportSnapshotSent(sent.Request, sent.Outcome switch
        {
            { End: SnapshotEnd.Taken } => SnapshotReport.Taken,
            _ when isFileAtFault => SnapshotReport.Unusable,
            { Rejection.ConcernsOperator: true } => SnapshotReport.Refused,
            _ => SnapshotReport.Broken,
        });
        _isBad |= isFileAtFault && Latest?.Mark.LastIndex == sent.Request.Mark.LastIndex;
    }

    /// <summary>
    /// With each turn, since nothing may be applied before there is one. A snapshot is named by its last entry: in place of one that is bad there can be another as soon as there is
    /// another entry.
    /// </summary>
    public void TakeWhenNeeded()
    {
        if (!_isBad && !_turn.Raft.HasForgottenPastSnapshot)
        {
            return;
        }
        if (_isBad && _turn.Raft.LastIndex == Latest!.Mark.LastIndex)
        {
            _turn.Raft.Propose(new Proposal(EntryKind.Time, RequestId.None, ReadOnlyMemory<byte>.Empty), out _, out _);
        }
        TakeWhenDue();
    }

    public void OnMarked()
    {
        _isUnderWay = false;
        var file = _saved;
        _saved = null;
        if (file is null || IsOvertaken(file))
        {
            return;
        }
        Latest = file;
        _isBad = false;
        _turn.Raft.SnapshotTaken(file.Mark);
        _turn.Out.Compact = file.Mark;
        _turn.Out.RemoveSnapshotsBefore = _turn.Raft.OldestSnapshotInUse;
        _turn.StatusIsStale = true;
    }

    public void OnArrived(SnapshotArrivedInput arrived)
    {
        _arrived.Add(arrived);
        _turn.Raft.Step(arrived.Request);
    }

    /// <summary>The core took the leader's snapshot: the state is replaced before anything after it is applied.</summary>
    /// <param name="sequence">Of the request to the log that names it.</param>
    public void Install(SnapshotMark mark, long sequence)
    {
        var arrived = _arrived.Find(a => ReferenceEquals(a.Request.Mark, mark));
        Invariant.Require(arrived is not null, "only a snapshot that is on disk is installed");
        _turn.Applied.Replace(arrived.State, mark);
        _turn.Applied.FreshenView(_turn.Now);
        _turn.StatusIsStale = true;
        Latest = arrived.File;
        _isBad = false;
        _startedAt = mark.LastIndex;
        _bytesSince = 0;
        _installed = (mark, sequence);
    }

    /// <summary>Only once the log names the installed snapshot durably may the one before it go: until then a restart needs that one.</summary>
    public void OnPersisted(long durable)
    {
        if (_installed is { } installed && installed.Sequence <= durable)
        {
            _installed = null;
            _turn.Out.Compact = installed.Mark;
            _turn.Out.RemoveSnapshotsBefore = installed.Mark;
        }
    }

    /// <summary>What arrived in this turn and was not taken is of no use any more.</summary>
    public void ForgetArrived() => _arrived.Clear();

    private bool IsOvertaken(SnapshotFile file) => Latest is not null && Latest.Mark.LastIndex >= file.Mark.LastIndex;

    /// <summary>
    /// What is small is cut after so many entries. To write a large state anew for a little log would cost many times what the commands themselves do. While a member catches up the
    /// log is kept for it all the same, and the snapshot that it is sent stays in use: only the bytes count (rule 14).
    /// </summary>
    private bool IsDue() =>
        _bytesSince >= _bytesDue
        || ((_isBad || _turn.Raft.HasForgottenPastSnapshot) && _turn.Applied.Index > (Latest?.Mark.LastIndex ?? LogIndex.Zero) && _turn.Now >= _notBefore)
        || (!_turn.Raft.IsAnyCatchingUp
            && _turn.Applied.Index - _startedAt >= _turn.Options.SnapshotEntries
            && (Latest is not { LengthBytes: > SmallBytes } || _bytesSince >= Latest.LengthBytes / 2));

    /// <summary>Up to a quarter early: the members apply the same log, and shall not all write their snapshots at once.</summary>
    private long DrawBytesDue() => _turn.Options.SnapshotBytes - _draws.Next(Math.Max(1, _turn.Options.SnapshotBytes / 4));
}
