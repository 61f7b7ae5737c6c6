using System.Globalization;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>What the leader tells its operator of members that catch up by a snapshot: who does not take it and why, and for whom the log could not be kept.</summary>
internal sealed class CatchUps(TurnContext turn)
{
    private readonly SortedDictionary<MemberId, SnapshotRejection> _rejected = [];

    /// <summary>The sending of a snapshot ended.</summary>
    public void OnSent(SnapshotSentInput sent)
    {
        if (sent.Outcome.Rejection is { ConcernsOperator: true } rejection && turn.Leads && sent.Request.Term == turn.Raft.Term)
        {
            _rejected[sent.Request.To] = rejection;
            turn.StatusIsStale = true;
        }
        else if (sent.Outcome.End == SnapshotEnd.Taken)
        {
            turn.StatusIsStale |= _rejected.Remove(sent.Request.To);
        }
    }

    /// <summary>In every turn.</summary>
    public void Tell()
    {
        foreach (var member in turn.Raft.TakeCatchUpsGivenUp())
        {
            turn.Out.Notices.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"the log that was kept while {NameOf(member)} catches up has grown past {turn.Options.Raft.MaxLogBytes >> 20} MiB and is kept no longer: {NameOf(member)} may need another snapshot. If that goes on, fewer or smaller writes, or a faster disk or network of that member, let it catch up"));
        }
        if (_rejected.Count == 0)
        {
            return;
        }
        if (!turn.Leads)
        {
            _rejected.Clear();
            return;
        }
        foreach (var known in turn.Raft.GetProgress())
        {
            if (known.State == ProgressState.Replicate)
            {
                _rejected.Remove(known.Member);
            }
        }
    }

    public IEnumerable<string> Alarms() => _rejected
        .Where(rejected => turn.Raft.Configuration.Find(rejected.Key) is not null)
        .Select(rejected => $"{NameOf(rejected.Key)} does not take the snapshot that it needs to catch up: {rejected.Value.Sentence}");

    private string NameOf(MemberId member) => turn.Raft.Configuration.Find(member)?.Name ?? member.ToString();
}
