using Consensus.Node.Core.Desks;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>The clean stop of rule 30: waiting requests are detached or cancelled in the log, then leadership is handed over.</summary>
internal sealed class CleanStop(TurnContext turn, CommandDesk commands)
{
    private const int DetachedAtOnce = 1000;

    private readonly List<PendingCommand> _settles = [];
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
            if (pending.Asked.IsEmpty || commands.RefuseWhileStopping(pending))
            {
                continue;
            }
            if (pending.HasIdentity)
            {
                kept.Add(pending);
            }
            else
            {
                foreach (var name in pending.Asked)
                {
                    _settles.Add(commands.LogEnd(CancelWaitCommand.Of(name, pending.Request, CancelReason.Stopping), CommandDesk.LaneOfEnd(pending)));
                }
            }
        }
        foreach (var lane in kept.GroupBy(CommandDesk.LaneOfEnd))
        {
            foreach (var part in lane.Select(pending => pending.Request).Chunk(DetachedAtOnce))
            {
                _settles.Add(commands.LogEnd(new DetachRequestsCommand([.. part]), lane.Key));
            }
        }
    }

    public void Continue()
    {
        if (_stop is null || _settles.Exists(s => s.Stage != PendingStage.Answered))
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
