using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>The clean stop of rule 30.</summary>
public sealed partial class NodeCore
{
    private readonly List<PendingCommand> _stopSettles = [];
    private StopInput? _stop;
    private bool _stopping;
    private bool _stopHandedOver;

    private void StartStop(StopInput stop)
    {
        _stop = stop;
        _stopping = true;
        _statusIsStale = true;
        _nextSweep = _now;
        var kept = ImmutableArray.CreateBuilder<RequestId>();
        foreach (var pending in _pending.Values.OrderBy(p => p.Request.Sequence).ToList())
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
                    _stopSettles.Add(Internal(CancelWaitCommand.Of(name, pending.Request, CancelReason.Stopping)));
                }
            }
        }
        foreach (var part in kept.Chunk(1000))
        {
            _stopSettles.Add(Internal(new DetachRequestsCommand([.. part])));
        }
    }

    private void ContinueStop()
    {
        if (_stop is null || _stopSettles.Exists(s => s.Stage != PendingStage.Answered))
        {
            return;
        }
        if (!_stopHandedOver)
        {
            _stopHandedOver = true;
            if (_raft.Role == RaftRole.Leader && _raft.TransferLeadership(MemberId.None))
            {
                return;
            }
        }
        var handingOver = _raft.Role == RaftRole.Leader && !_raft.TransferTarget.IsNone;
        if (!handingOver && _pending.Count == 0)
        {
            var done = _stop.Done;
            _stop = null;
            _out.Callbacks.Add(done);
        }
    }

    /// <summary>The process ends now: whatever is left is answered with what is known of it.</summary>
    public void AnswerEverything(NodeOutput output)
    {
        _out = output;
        foreach (var pending in _pending.Values.ToList())
        {
            if (pending.Stage == PendingStage.Queued)
            {
                Answer(pending, AnswerKind.NotDone, null, NotDoneReason.NotReady);
            }
            else
            {
                Answer(pending, AnswerKind.Unknown, null, NotDoneReason.None);
            }
        }
        _queued.Clear();
        AnswerAllChanges();
        AnswerAllTransfers();
        AnswerAllHashes();
        foreach (var read in _newReads.Concat(_readsToApply).Concat(_readRounds.Values.SelectMany(r => r.Reads)).ToList())
        {
            Finish(read, new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NotReady));
        }
        _newReads.Clear();
        _readsToApply.Clear();
        _readRounds.Clear();
    }
}
