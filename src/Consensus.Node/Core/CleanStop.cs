using Consensus.Node.Core.Desks;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>The clean stop of rule 30: waiting requests are detached or cancelled in the log, then leadership is handed over.</summary>
internal sealed class CleanStop(TurnContext turn, CommandDesk commands)
{
    private PendingStop? _stop;
    private bool _handedOver;

    public void Start(PendingStop stop)
    {
        _stop = stop;
        turn.IsStopping = true;
        turn.StatusIsStale = true;
        turn.NextSweep = turn.Now;
        var kept = new List<PendingCommand>();
        foreach (var pending in commands.Pending)
        {
            if (pending.Asked is null || commands.RefuseWhileStopping(pending))
            {
                continue;
            }
            if (pending.HasIdentity)
            {
                kept.Add(pending);
            }
            else
            {
                commands.Ends.Cancel(pending, CancelReason.Stopping);
            }
        }
        commands.Ends.Detach(kept);
    }

    public void Continue()
    {
        if (_stop is null || !commands.Ends.AreApplied)
        {
            return;
        }
        if (!_handedOver)
        {
            _handedOver = true;
            if (turn.Leads && turn.Raft.TransferLeadership(MemberId.None))
            {
                return;
            }
        }
        var handingOver = turn.Leads && !turn.Raft.TransferTarget.IsNone;
        if (!handingOver && commands.IsEmpty)
        {
            turn.Answer(_stop, default);
            _stop = null;
        }
    }
}
