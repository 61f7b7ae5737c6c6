using Consensus.Primitives;
using Consensus.Raft.Log;

namespace Consensus.Raft.Tests.Support.Safety;

/// <summary>How configurations follow one another: one change at a time, in joint steps (Raft §6).</summary>
internal static class ConfigurationSteps
{
    /// <summary>A leader appends no configuration while the one before it is not committed, whether that is another change or its own joint step.</summary>
    public static void RequireAppended(RaftNode leader, IReadOnlyList<Entry> entries)
    {
        foreach (var entry in entries.Where(e => e.Kind == EntryKind.Configuration && e.Term == leader.Term))
        {
            var before = entry.Index.Previous;
            while (before >= leader.FirstIndex && leader.Log[before].Kind != EntryKind.Configuration)
            {
                before = before.Previous;
            }
            Invariant.Require(before < leader.FirstIndex || before <= leader.CommitIndex, "a configuration follows a committed one");
        }
    }

    /// <summary>Who counts changes only into a joint configuration of both, and out of it to its new voters.</summary>
    public static void RequireCommitted(Configuration before, Configuration next)
    {
        var voters = next.IsJoint ? next.OutgoingVoters : next.Voters;
        Invariant.Require(voters.SequenceEqual(before.Voters), "who counts changes in joint steps only");
        Invariant.Require(!before.IsJoint || !next.IsJoint, "a joint configuration is left before the next change");
        Invariant.Require(before.Removed.All(next.Removed.Contains), "a member that was removed stays removed");
    }
}
