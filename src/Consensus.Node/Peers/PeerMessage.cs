using Consensus.Node.Core.Flow;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;

namespace Consensus.Node.Peers;

/// <summary>What one frame between two members says.</summary>
/// <remarks>
/// What one asks of the leader and what the leader refuses names, besides the term, the process that asks, by its boot: a member's next process may have asked for something
/// else under the same number in the same term, and takes no answer that was meant for the one before. The member itself is who sent the frame or is sent it.
/// </remarks>
public abstract record PeerMessage
{
    /// <summary>Small, and not to wait behind bulk on a link. It may overtake frames that are not urgent.</summary>
    public virtual bool IsUrgent => true;
}

/// <summary>A message between the Raft cores.</summary>
public sealed record RaftPeerMessage(Message Message) : PeerMessage
{
    /// <summary>Appends carry the log, whose order is one: even an empty one that overtook another would be refused for the gap before it.</summary>
    public override bool IsUrgent => Message is not AppendRequest;
}

/// <summary>One command that a follower hands to the leader.</summary>
/// <param name="Sequence">Of its request id.</param>
public readonly record struct ForwardedCommand(long Sequence, string Principal, int FeatureLevel, ReadOnlyMemory<byte> Payload)
{
    /// <summary>An acquire that will only stand in line, as far as its member knows: it may wait a moment for company.</summary>
    public bool StandsInLine { get; init; }
}

/// <summary>
/// Commands for the leader of exactly <paramref name="Term"/>: in any other term the receiver appends nothing. That bound is what lets the
/// sender know, once it applies an entry of a later term, that a command it has not seen applied never will be (rule 19).
/// </summary>
/// <param name="Boot">Of the request ids of all of them.</param>
public sealed record ForwardCommands(Term Term, long Boot, IReadOnlyList<ForwardedCommand> Commands) : PeerMessage
{
    /// <summary>In which all of them wait.</summary>
    public CommandLane Lane { get; init; } = CommandLane.Small;

    public override bool IsUrgent => Lane == CommandLane.Urgent;
}

public enum ForwardRefusal
{
    /// <summary>The receiver does not lead in the term that was named.</summary>
    NotLeader = 1,

    /// <summary>Leadership is being handed over.</summary>
    Transferring = 2,

    /// <summary>Too much is waiting to be committed.</summary>
    Full = 3,
}

/// <summary>The commands of one request frame that were not appended; appended ones are answered by being applied.</summary>
/// <param name="Sequences">Of the refused commands' request ids.</param>
public sealed record ForwardRefused(Term Term, long Boot, ForwardRefusal Reason, IReadOnlyList<long> Sequences) : PeerMessage;

/// <summary>A membership change for the leader of exactly <paramref name="Term"/>; in any other term nothing is appended.</summary>
/// <param name="Sequence">Of its request id, as is <paramref name="Boot"/>.</param>
public sealed record ForwardChange(Term Term, long Boot, long Sequence, MembershipChange Change) : PeerMessage;

/// <summary>The change was not appended. One that was is answered by its entries.</summary>
/// <param name="Sequence">Of the refused change's request id.</param>
public sealed record ChangeRefused(Term Term, long Boot, long Sequence, ChangeAnswer Answer) : PeerMessage;

/// <summary>Asks the leader of exactly <paramref name="Term"/> to hand leadership over. It answers only to refuse: a hand-over shows by itself.</summary>
/// <param name="To">None: to whichever voter is furthest.</param>
public sealed record ForwardTransfer(Term Term, long Boot, long Sequence, MemberId To) : PeerMessage;

/// <summary>No hand-over was begun.</summary>
/// <param name="Reason">One sentence for an operator; empty when the receiver does not lead in that term.</param>
public sealed record TransferRefused(Term Term, long Boot, long Sequence, string Reason) : PeerMessage;
