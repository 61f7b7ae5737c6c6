using Consensus.Node.Core.Flow;
using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.StateMachine;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// The leader's side of commands: what its own clients and other members gave it waits in the same lanes, and is proposed lane by lane. What is urgent is never kept waiting; the
/// rest goes as far as the <see cref="ProposalWindow"/> lets it.
/// </summary>
/// <param name="full">Told of each command of this member's own that there was no room for in the log.</param>
internal sealed class Proposer(TurnContext turn, CommandLanes lanes, Action<PendingCommand> full)
{
    private readonly ProposalWindow _window = new(turn.Options.LeastProposalBytes, turn.Options.MostProposalBytes, turn.Options.ProposalTargetMicros);
    private readonly ByteBudget _foreignBytes = new(turn.Options.MaxForeignBytes);

    /// <summary>Refusals of this turn, by whom they are for.</summary>
    private readonly List<(ForeignCommand Command, ForwardRefusal Reason)> _refused = [];

    /// <summary>The window kept something waiting: it goes on when something is committed.</summary>
    public bool IsGated { get; private set; }

    public long WindowBytes => _window.Bytes;

    private IEnumerable<ForeignCommand> Waiting => _foreignBytes.Held == 0 ? [] : lanes.All.OfType<ForeignCommand>();

    /// <summary>Other members' commands that wait here.</summary>
    public ByteBudget ForeignBytes => _foreignBytes;

    /// <summary>Commands that another member's clients gave it: they are proposed with this turn, or as soon as there is room, or refused.</summary>
    public void TakeForwarded(MemberId from, ForwardCommands forward)
    {
        foreach (var command in forward.Commands)
        {
            var foreign = new ForeignCommand(from, forward.Term, forward.Boot, command, forward.Lane);
            if (!turn.Leads || turn.Raft.Term != forward.Term || command.FeatureLevel > ReplicatedState.SupportedFeatureLevel)
            {
                _refused.Add((foreign, ForwardRefusal.NotLeader));
            }
            else if (!TryHold(foreign))
            {
                _refused.Add((foreign, ForwardRefusal.Full));
            }
            else
            {
                foreign.ArrivedMicros = turn.Now;
                // Its own member gives it up after the whole time, and could then not say any more that nothing was done.
                foreign.DeadlineMicros = turn.Now + (turn.Options.RequestTimeoutMicros * 4 / 5);
                lanes.Add(foreign);
            }
        }
        SendRefusals();
    }

    /// <summary>In every turn: the next command may come long after this one is settled.</summary>
    public void NoticeSettled() => _window.Settled(turn.Raft.SettledIndex, turn.Now);

    /// <summary>Everything that is urgent, and of the rest what there is room for.</summary>
    public void Propose()
    {
        NoticeSettled();
        IsGated = false;
        PendingCommand? next;
        for (var pending = lanes.First(CommandLane.Urgent); pending is not null; pending = next)
        {
            next = pending.Behind;
            Propose(pending);
        }
        ProposeTheRest();
        SendRefusals();
    }

    /// <summary>This member leads no more, or in another term: what others gave it for the term before goes back to them.</summary>
    public void LeaderChanged()
    {
        _window.Restart();
        IsGated = false;
        foreach (var foreign in Waiting.Where(foreign => !turn.Leads || foreign.Term != turn.Raft.Term).ToList())
        {
            Refuse(foreign, ForwardRefusal.NotLeader);
        }
        SendRefusals();
    }

    /// <summary>What waited for room for too long is refused: nothing was done of it.</summary>
    public void Sweep()
    {
        foreach (var foreign in Waiting.Where(foreign => foreign.DeadlineMicros <= turn.Now).ToList())
        {
            Refuse(foreign, ForwardRefusal.Full);
        }
        SendRefusals();
    }

    /// <summary>
    /// What earlier processes of a member gave it, or this one too, goes back: nothing was done of it. What ends their waits is urgent or comes in another lane, and would pass it here;
    /// then it would stand in line for ever.
    /// </summary>
    /// <param name="except">The process whose commands stay; null: none.</param>
    public void GiveBack(MemberId from, long? except)
    {
        foreach (var foreign in Waiting.Where(foreign => foreign.Request.Member == from && foreign.Request.Boot != except).ToList())
        {
            Refuse(foreign, ForwardRefusal.NotLeader);
        }
        SendRefusals();
    }

    private bool TryHold(ForeignCommand foreign)
    {
        foreign.Look();
        return _foreignBytes.TryHold(foreign.Bytes, foreign.Lane == CommandLane.Urgent);
    }

    private void ProposeTheRest()
    {
        var (small, bulk) = (lanes.First(CommandLane.Small), lanes.First(CommandLane.Bulk));
        while (lanes.Next(small, bulk) is { } pending)
        {
            if (pending == bulk && turn.Raft.HasLaggard)
            {
                // Small commands do not wait for the follower that is behind.
                (bulk, IsGated) = (null, true);
                continue;
            }
            if (!_window.HasRoom(turn.Raft.UnsettledBytes, pending.Payload.Length))
            {
                IsGated = true;
                return;
            }
            (small, bulk) = pending == small ? (small.Behind, bulk) : (small, bulk!.Behind);
            Propose(pending);
        }
    }

    private void Propose(PendingCommand pending)
    {
        var foreign = pending as ForeignCommand;
        var proposal = new Proposal(
            EntryKind.Command, pending.Request, pending.Payload, pending.Principal, foreign?.FeatureLevel ?? 0, pending.Lane == CommandLane.Urgent);
        switch (turn.Raft.Propose(proposal, out var index, out var term))
        {
            case ProposeResult.Appended:
                _window.Proposed(index, turn.Now);
                lanes.Leave(pending);
                if (foreign is null)
                {
                    pending.MarkSent(term);
                }
                else
                {
                    _foreignBytes.LetGo(foreign.Bytes);
                    if (foreign.Acquire is null)
                    {
                        // Of one that stands in line nobody waits to hear that: its member is told at once when it is granted.
                        turn.Raft.HurryCommit(foreign.Request.Member);
                    }
                }
                break;
            case ProposeResult.Full when foreign is null:
                full(pending);
                break;
            case ProposeResult.Full:
                Refuse(foreign, ForwardRefusal.Full);
                break;
            case ProposeResult.Transferring when foreign is not null:
                Refuse(foreign, ForwardRefusal.Transferring);
                break;
            default:
                break;
        }
    }

    private void Refuse(ForeignCommand foreign, ForwardRefusal reason)
    {
        lanes.Remove(foreign);
        _foreignBytes.LetGo(foreign.Bytes);
        _refused.Add((foreign, reason));
    }

    private void SendRefusals()
    {
        if (_refused.Count == 0)
        {
            return;
        }
        foreach (var group in _refused.GroupBy(one => (one.Command.Request.Member, one.Command.Term, one.Command.Request.Boot, one.Reason)))
        {
            var (from, term, boot, reason) = group.Key;
            turn.Send(from, new ForwardRefused(term, boot, reason, [.. group.Select(one => one.Command.Request.Sequence)]));
        }
        _refused.Clear();
    }
}
