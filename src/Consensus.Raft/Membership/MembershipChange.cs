using Consensus.Primitives;

namespace Consensus.Raft.Membership;

/// <summary>One change of who belongs to the cluster, and who counts. One is under way at a time.</summary>
public abstract record MembershipChange
{
    /// <summary>The name of who asks, for the log.</summary>
    public string Principal { get; init; } = "";
}

/// <summary>A new member receives the log. As a learner it does not count; as a voter it does from the start, which costs safety margin until it has caught up.</summary>
public sealed record AddMember(Member Member, bool AsVoter = false) : MembershipChange;

/// <summary>A learner that has caught up counts from now on. Dissertation §4.2.1.</summary>
/// <param name="Replaces">A voter that leaves in the same step, so that the number of voters stays; <see cref="MemberId.None"/> for nobody.</param>
public sealed record PromoteMember(MemberId Member, MemberId Replaces = default) : MembershipChange;

/// <summary>A member leaves for ever: its id never comes back.</summary>
public sealed record RemoveMember(MemberId Member) : MembershipChange;

/// <summary>What became of a change that was asked for. Only <see cref="Appended"/> put anything into the log.</summary>
public enum ChangeVerdict
{
    Appended = 1,

    /// <summary>The cluster is that way already: nothing to do.</summary>
    AlreadySo = 2,

    // Not now: the same request may go through later, here or at another member.

    /// <summary>This member does not lead.</summary>
    NotLeader = 3,

    /// <summary>Leadership is being handed over.</summary>
    Transferring = 4,

    /// <summary>The leader has not committed an entry of its own term yet (Ongaro's correction of 2015), or has led too short a time to know who is reachable.</summary>
    NotReady = 5,

    /// <summary>Too many bytes are waiting to be committed.</summary>
    Full = 6,

    // Refused.

    /// <summary>Another change is not finished.</summary>
    ChangeInProgress = 7,

    /// <summary>No such member.</summary>
    NotAMember = 8,

    /// <summary>The name or address belongs to another member, or the id to one that was removed.</summary>
    Taken = 9,

    /// <summary>The learner lags too far behind the leader's log.</summary>
    NotCaughtUp = 10,

    /// <summary>Afterwards no majority of the voters would be reachable, so nothing could be committed any more.</summary>
    WouldLoseQuorum = 11,

    /// <summary>There are as many members as there may be.</summary>
    TooManyMembers = 12,
}

/// <param name="Reason">One sentence for an operator; empty when there is nothing to explain.</param>
public readonly record struct ChangeAnswer(ChangeVerdict Verdict, string Reason = "")
{
    /// <summary>True when the same change may be asked for again, without a word to whoever asked.</summary>
    public bool IsNotNow => Verdict is ChangeVerdict.NotLeader or ChangeVerdict.Transferring or ChangeVerdict.NotReady;
}
