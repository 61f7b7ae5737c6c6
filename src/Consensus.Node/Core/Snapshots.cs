using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>
/// Snapshots. Own: a view is taken here, encoded and saved elsewhere, then marked in the log, and only then is the log cut. From the leader: the
/// file is on disk and decoded before the core hears of it.
/// </summary>
internal sealed class Snapshots
{
    /// <summary>A snapshot of at most this size is never too large for its log.</summary>
    private const long SmallBytes = 4 << 20;

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

    /// <summary>The next one is tried when as much was logged again.</summary>
    public void OnNotSaved() => _isUnderWay = false;

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
        _turn.Raft.SnapshotTaken(file.Mark);
        _turn.Out.Compact = file.Mark;
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
        }
    }

    /// <summary>What arrived in this turn and was not taken is of no use any more.</summary>
    public void ForgetArrived() => _arrived.Clear();

    private bool IsOvertaken(SnapshotFile file) => Latest is not null && Latest.Mark.LastIndex >= file.Mark.LastIndex;

    /// <summary>What is small is cut after so many entries. To write a large state anew for a little log would cost many times what the commands themselves do.</summary>
    private bool IsDue() =>
        _bytesSince >= _bytesDue
        || (_turn.Applied.Index - _startedAt >= _turn.Options.SnapshotEntries
            && (Latest is not { LengthBytes: > SmallBytes } || _bytesSince >= Latest.LengthBytes / 2));

    /// <summary>Up to a quarter early: the members apply the same log, and shall not all write their snapshots at once.</summary>
    private long DrawBytesDue() => _turn.Options.SnapshotBytes - _draws.Next(Math.Max(1, _turn.Options.SnapshotBytes / 4));
}
