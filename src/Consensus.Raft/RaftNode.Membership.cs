using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft.Log;
using Consensus.Raft.Membership;
using Consensus.Raft.Tracker;
using Consensus.Raft.Wire;

namespace Consensus.Raft;

/// <summary>
/// Membership changes, one at a time. Who counts changes by joint consensus (Raft §6), which the leader leaves by itself once the joint configuration
/// is committed. A configuration is in force from the moment it is appended, and falls with its entry.
/// </summary>
public sealed partial class RaftNode
{
    private long _ledSince;

    /// <summary>True while a configuration in the log is not committed, or a joint one was not left yet.</summary>
    public bool ChangeIsUnderWay => _configurations.CurrentIndex > CommitIndex || Configuration.IsJoint;

    /// <summary>Whether <see cref="ProposeChange"/> would append; appends nothing.</summary>
    public ChangeAnswer JudgeChange(MembershipChange change) => Judge(change, out _);

    /// <summary>
    /// Starts a change on the leader. <see cref="ChangeVerdict.Appended"/> gives the place of the change's first entry; it is over when a configuration
    /// entry with this <paramref name="request"/> that is not joint is committed. Every other verdict appended nothing.
    /// </summary>
    public ChangeAnswer ProposeChange(MembershipChange change, RequestId request, out LogIndex index, out Term term)
    {
        (index, term) = (LogIndex.Zero, Term);
        var answer = Judge(change, out var target);
        if (answer.Verdict == ChangeVerdict.Appended)
        {
            index = AppendConfiguration(ConfigurationPlan.FirstStep(Configuration, target), request, change.Principal);
        }
        return answer;
    }

    private ChangeAnswer Judge(MembershipChange change, out Configuration target)
    {
        target = Configuration;
        if (Role != RaftRole.Leader)
        {
            return new ChangeAnswer(ChangeVerdict.NotLeader);
        }
        if (!TransferTarget.IsNone)
        {
            return new ChangeAnswer(ChangeVerdict.Transferring);
        }
        if (!HasCommittedInTerm)
        {
            // Ongaro, 2015: else two leaders could each change a configuration that the other does not know of (raft-bugs 20).
            return new ChangeAnswer(ChangeVerdict.NotReady);
        }
        if (ChangeIsUnderWay)
        {
            return new ChangeAnswer(ChangeVerdict.ChangeInProgress, "another membership change is under way");
        }
        if (_uncommittedBytes >= _options.MaxUncommittedBytes)
        {
            return new ChangeAnswer(ChangeVerdict.Full);
        }
        var answer = ConfigurationPlan.TryPlan(Configuration, change, out target);
        return answer.Verdict == ChangeVerdict.Appended ? JudgeReach(change, target) : answer;
    }

    /// <summary>Whether what must keep up does.</summary>
    private ChangeAnswer JudgeReach(MembershipChange change, Configuration target)
    {
        if (change is PromoteMember promote && WhyNotPromoted(promote.Member) is { } lag)
        {
            return new ChangeAnswer(ChangeVerdict.NotCaughtUp, lag);
        }
        var needed = (target.Voters.Length / 2) + 1;
        var able = target.Voters.Count(KeepsUp);
        if (target.Voters.SequenceEqual(Configuration.Voters) || able >= needed)
        {
            return new ChangeAnswer(ChangeVerdict.Appended);
        }
        if (_now - _ledSince < _options.ElectionTimeoutTicks)
        {
            return new ChangeAnswer(ChangeVerdict.NotReady);
        }
        var missing = string.Join(", ", target.Voters.Where(v => !KeepsUp(v)).Select(v => target.Find(v)!.Name));
        return new ChangeAnswer(ChangeVerdict.WouldLoseQuorum, string.Create(
            CultureInfo.InvariantCulture,
            $"of the {target.Voters.Length} voters there would be then, {needed} must be reachable and caught up, but only {able} would be (not: {missing})"));
    }

    private bool KeepsUp(MemberId voter) => voter == Self || (_progress.Find(voter) is { } progress && IsAnswering(progress) && LagOf(progress) <= _options.PromotionLagEntries);

    private bool IsAnswering(Progress progress) => progress.HasAnswered && _now - progress.HeardAt < _options.ElectionTimeoutTicks;

    private long LagOf(Progress progress) => _log.LastIndex - progress.Match;

    /// <summary>A learner counts only when it has nearly caught up, or commitment would wait for it (dissertation §4.2.1). Null when it has.</summary>
    private string? WhyNotPromoted(MemberId learner)
    {
        var name = Configuration.Find(learner)!.Name;
        if (_progress.Find(learner) is not { } progress || !IsAnswering(progress))
        {
            return $"the learner {name} is not reachable";
        }
        return LagOf(progress) <= _options.PromotionLagEntries && progress.State == ProgressState.Replicate
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"the learner {name} is {LagOf(progress)} entries behind the leader; it can be promoted when it is at most {_options.PromotionLagEntries} behind");
    }

    private LogIndex AppendConfiguration(Configuration configuration, RequestId request, string principal)
    {
        var writer = new WireWriter();
        RaftCodec.WriteConfiguration(writer, configuration);
        return AppendAsLeader(new Proposal(EntryKind.Configuration, request, writer.ToArray(), principal));
    }

    /// <summary>
    /// A leader whose configuration is committed leaves a joint one, and steps down when it is not a voter any more. Whoever led when the change
    /// began, the leader now in office ends it.
    /// </summary>
    private void ContinueChange()
    {
        if (Role != RaftRole.Leader || _configurations.CurrentIndex > CommitIndex)
        {
            return;
        }
        if (!Configuration.IsJoint)
        {
            if (!Configuration.IsVoter(Self))
            {
                StepDownAsRemoved();
            }
        }
        else if (TransferTarget.IsNone)
        {
            AppendConfiguration(ConfigurationPlan.LeaveJoint(Configuration), _configurations.CurrentRequest, "");
        }
    }

    /// <summary>
    /// Until here it led without counting itself (dissertation §4.2.2). The voter that is furthest campaigns at once, so that nobody waits for a
    /// time-out.
    /// </summary>
    private void StepDownAsRemoved()
    {
        if (FurthestVoter() is { } successor)
        {
            _messages.Add(new TimeoutNowRequest(Self, successor.Member, Term));
        }
        BecomeFollower(Term, MemberId.None);
    }
}
