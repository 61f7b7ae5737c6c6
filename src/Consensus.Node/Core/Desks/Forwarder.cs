using Consensus.Node.Core.Flow;
using Consensus.Node.Peers;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// The follower's side of commands: what waits in the lanes goes to the leader, in frames of one lane each, and of what is not urgent no more than may be on its way. What does not
/// fit waits here, where nothing left this member yet.
/// </summary>
internal sealed class Forwarder(TurnContext turn, CommandLanes lanes, Company company)
{
    /// <summary>A frame is sent whole before what is urgent goes on.</summary>
    private const int FrameBytes = 1 << 20;

    /// <summary>With this many frames of commands at the leader, what comes is gathered until one of them is settled, or until <see cref="GatherMicros"/> after the last.</summary>
    private const int EagerFrames = 2;
    private const long GatherMicros = 1000;

    /// <summary>
    /// The frames of commands at the leader, each by its last command that does not just stand in line; settled ones are forgotten at the
    /// next look.
    /// </summary>
    private readonly Queue<PendingCommand> _frames = new();
    private long _lastFrameAt;

    /// <summary>Bulk among the bytes that are on their way.</summary>
    private long _bulkBytes;

    /// <summary>Of the command that stands before the gate.</summary>
    private long _gatedBytes;

    /// <summary>Bytes of commands that are on their way to the leader, urgent ones apart.</summary>
    public ByteBudget Bytes { get; } = new(turn.Options.MaxForwardedBytes);

    /// <summary>Something waits for others to be settled.</summary>
    public bool IsGated { get; private set; }

    /// <summary>What is behind the gate would find the way free, or a part of it would.</summary>
    public bool HasRoom => Bytes.Held == 0 || (Bytes.Held <= Bytes.Limit / 2 && Bytes.Held + _gatedBytes <= Bytes.Limit);

    /// <summary>What was on its way is there, or is lost: nothing is waited for.</summary>
    public void WayChanged()
    {
        IsGated = false;
        _frames.Clear();
    }

    public void Forward()
    {
        IsGated = false;
        if (Gathers())
        {
            return;
        }
        var urgent = Forward(isUrgent: true);
        if ((Forward(isUrgent: false) ?? urgent) is { } latest)
        {
            _frames.Enqueue(latest);
            _lastFrameAt = turn.Now;
        }
    }

    /// <summary>It is not on its way any more. Idempotent.</summary>
    public void Settled(PendingCommand pending)
    {
        Bytes.LetGo(pending.ForwardedBytes);
        _bulkBytes -= pending.Lane == CommandLane.Bulk ? pending.ForwardedBytes : 0;
        pending.ForwardedBytes = 0;
    }

    /// <summary>
    /// One client's command leaves at once. Of many, each in a frame of its own would cost more than its command, here and at the leader, and would come
    /// no sooner to the disk, which is busy with those before.
    /// </summary>
    private bool Gathers()
    {
        while (_frames.TryPeek(out var last) && last.Stage != PendingStage.Sent)
        {
            _frames.Dequeue();
        }
        return _frames.Count >= EagerFrames && turn.Now < _lastFrameAt + GatherMicros;
    }

    /// <summary>
    /// While bulk has half of what may be on its way, small commands do not wait for it here: its leader may keep it back for a follower that is behind, and lets them pass.
    /// </summary>
    private PendingCommand? Next(bool isUrgent)
    {
        if (isUrgent)
        {
            return lanes.First(CommandLane.Urgent);
        }
        var small = lanes.First(CommandLane.Small);
        return small is not null && _bulkBytes > Bytes.Limit / 2 ? small : lanes.Next(small, lanes.First(CommandLane.Bulk));
    }

    /// <summary>A frame has commands of one lane.</summary>
    /// <returns>The last command that left and does not just stand in line; null when none did.</returns>
    private PendingCommand? Forward(bool isUrgent)
    {
        List<ForwardedCommand>? commands = null;
        PendingCommand? latest = null;
        var lane = CommandLane.Urgent;
        var bytes = 0;
        while (Next(isUrgent) is { } pending && MayLeave(pending))
        {
            if (commands is not null && (pending.Lane != lane || bytes > FrameBytes))
            {
                Send(commands, lane);
                (commands, bytes) = (null, 0);
            }
            lane = pending.Lane;
            lanes.Leave(pending);
            pending.MarkSent(turn.Raft.Term);
            bytes += pending.Bytes;
            var standsInLine = company.StandsInLine(pending);
            (commands ??= []).Add(new ForwardedCommand(pending.Request.Sequence, pending.Principal, 0, pending.Payload)
            {
                StandsInLine = standsInLine,
            });
            // One that waits for company at the leader is settled late: it keeps nobody waiting here.
            latest = standsInLine ? latest : pending;
        }
        if (commands is not null)
        {
            Send(commands, lane);
        }
        return latest;
    }

    private void Send(List<ForwardedCommand> commands, CommandLane lane) =>
        turn.Send(turn.Raft.Leader, new ForwardCommands(turn.Raft.Term, turn.Options.Boot, commands) { Lane = lane });

    private bool MayLeave(PendingCommand pending)
    {
        if (pending.Lane == CommandLane.Urgent)
        {
            return true;
        }
        // Urgent as far as this budget goes: what is urgent is not in it.
        if (!Bytes.TryHold(pending.Bytes, isUrgent: true))
        {
            IsGated = true;
            _gatedBytes = pending.Bytes;
            return false;
        }
        pending.ForwardedBytes = pending.Bytes;
        _bulkBytes += pending.Lane == CommandLane.Bulk ? pending.Bytes : 0;
        return true;
    }
}
