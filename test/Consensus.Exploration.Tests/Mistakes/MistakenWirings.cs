using System.Reflection;
using Consensus.Exploration.Members;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Exploration.Tests.Mistakes;

/// <summary>A restart keeps the term and forgets the vote.</summary>
internal sealed class ForgetsItsVote : Wiring
{
    public override Disk Found(Disk disk) => new(disk.HardState with { VotedFor = MemberId.None }, disk.Snapshot, disk.Entries);
}

/// <summary>A leader commits otherwise than by a majority's copies of an entry of its own term.</summary>
internal abstract class CommitsOtherwise : Wiring
{
    private static readonly PropertyInfo CommitIndex = typeof(RaftNode).GetProperty(nameof(RaftNode.CommitIndex))!;

    public override void AfterStep(Host host)
    {
        if (host.Node.Role == RaftRole.Leader)
        {
            CommitIndex.SetValue(host.Node, LogIndex.Max(host.Node.CommitIndex, Committed(host.Node)));
        }
    }

    protected abstract LogIndex Committed(RaftNode leader);
}

/// <summary>What a majority holds is committed, whichever term it is of (Raft figure 8).</summary>
internal sealed class CountsEarlierTerms : CommitsOtherwise
{
    protected override LogIndex Committed(RaftNode leader)
    {
        LogIndex[] held = [.. leader.GetProgress().Select(p => p.Match).Append(leader.DurableIndex).Order()];
        return held[(held.Length - 1) / 2];
    }
}

/// <summary>What the leader has on its disk is committed.</summary>
internal sealed class CommitsWithoutMajority : CommitsOtherwise
{
    protected override LogIndex Committed(RaftNode leader) => leader.DurableIndex;
}

/// <summary>A leader answers a read with what it knows to be committed, and asks nobody whether it still leads.</summary>
internal sealed class ReadsWithoutRound : Wiring
{
    public override bool Answers(Host host, long context)
    {
        if (host.Node.Role != RaftRole.Leader || !host.Node.HasCommittedInTerm)
        {
            return false;
        }
        host.Reads.Add(new ReadState(context, host.Node.CommitIndex, Refused: false));
        return true;
    }
}

/// <summary>Votes and acknowledgements leave before what they say is on the disk.</summary>
internal sealed class AcknowledgesBeforeFlush : Wiring
{
    public override bool ChecksSteps => false;

    public override bool SpeaksBeforeItPersists => true;
}

/// <summary>A configuration counts once it is committed, not from the moment that it is appended (Raft §6).</summary>
internal sealed class UsesConfigurationsOnceCommitted : Wiring
{
    private static readonly FieldInfo Configurations = typeof(RaftNode).GetField("_configurations", BindingFlags.Instance | BindingFlags.NonPublic)!;
    private static readonly FieldInfo Initial = typeof(ConfigurationHistory).GetField("_initial", BindingFlags.Instance | BindingFlags.NonPublic)!;

    public override bool ChecksSteps => false;

    public override void BeforeOutput(Host host)
    {
        var node = host.Node;
        var known = new ConfigurationHistory((Configuration)Initial.GetValue(Configurations.GetValue(node))!);
        for (var index = node.FirstIndex; index <= node.CommitIndex; index = index.Next)
        {
            if (node.Log[index].Kind == EntryKind.Configuration)
            {
                known.Append(node.Log[index]);
            }
        }
        Configurations.SetValue(node, known);
    }
}

/// <summary>Nobody tells the processes of a member apart, and each counts its questions from 1.</summary>
internal sealed class TakesAnswersForTheProcessBefore : Wiring
{
    public override RaftOptions OptionsOf(RaftOptions options) => options with { Boot = 0 };
}
