using Consensus.Primitives;
using Consensus.Simulation.Checkers.Holds;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// A session that has ended never lives again: no renewal, however late, and no grant brings its id back (rule 21). By the log, and by
/// answers: once one told that it had ended, none
/// that was asked for later tells that it lives.
/// </summary>
public sealed class SessionLives
{
    public const string Name = "an ended session stays ended";

    private readonly SortedSet<LeaseId> _alive = [];
    private readonly HashSet<LeaseId> _ended = [];

    /// <summary>When an answer first told that it had ended.</summary>
    private readonly Dictionary<LeaseId, long> _toldEnded = [];

    /// <summary>An entry of the log was applied.</summary>
    internal void Saw(AppliedEntry entry)
    {
        if (entry.Command is GrantLeaseCommand { IsSession: true } grant && entry.After.GetSession(grant.Id) is not null)
        {
            Violation.Unless(!_ended.Contains(grant.Id), Name, () => $"{entry} brought back the session {grant.Id}, which had ended");
            _alive.Add(grant.Id);
        }
        foreach (var renewal in entry.Outcome is LeasesRenewed renewed ? renewed.Renewals : [])
        {
            Violation.Unless(
                !renewal.Alive || !_ended.Contains(renewal.Id), Name, () => $"{entry} renewed the session {renewal.Id}, which had ended");
        }
        if (entry.Command is ExpireCommand or RevokeLeaseCommand or WithdrawCommand)
        {
            foreach (var id in _alive.Where(id => entry.After.GetLease(id) is null).ToList())
            {
                _alive.Remove(id);
                _ended.Add(id);
            }
        }
    }

    /// <summary>A client was answered.</summary>
    /// <param name="sentAt">When it had asked, in true time.</param>
    /// <param name="now">True time.</param>
    public void Told(LeaseId session, bool isAlive, long sentAt, long now)
    {
        if (!isAlive)
        {
            _toldEnded.TryAdd(session, now);
            return;
        }
        Violation.Unless(!_toldEnded.TryGetValue(session, out var ended) || sentAt <= ended, Name, () =>
            $"a renewal of the session {session} that was sent at {sentAt} was answered that it lives, and it was known to have ended at {_toldEnded[session]}");
    }
}
