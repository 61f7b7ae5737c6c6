using System.Collections.Immutable;
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
        var kept = ImmutableArray.CreateBuilder<RequestId>();
        foreach (var pending in commands.Pending)
        {
            if (pending.Asked.IsEmpty || pending.Stage == PendingStage.Queued)
            {
                continue;
            }
            if (pending.HasIdentity)
            {
                kept.Add(pending.Request);
            }
            else
            {
                foreach (var name in pending.Asked)
                {
                    _settles.Add(commands.LogOwn(CancelWaitCommand.Of(name, pending.Request, CancelReason.Stopping)));
                }
            }
        }
        foreach (var part in kept.Chunk(DetachedAtOnce))
        {
            _settles.Add(commands.LogOwn(new DetachRequestsCommand([.. part])));
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
