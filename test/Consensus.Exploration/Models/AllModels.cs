using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.Raft.Tests.Support;

namespace Consensus.Exploration.Models;

/// <summary>The models that are searched. Each is as small as what it is for.</summary>
internal static class AllModels
{
    public static readonly Model Elections = new()
    {
        Name = "elections",
        About = "three members elect, restart, and hear that processes are gone; terms and votes reach the disk in steps of their own",
        Initial = Make.Voters(3),
        Members = 3,
        Small = new Bounds { Term = 1, OnTheirWay = 3, Restarts = 1 },
        Large = new Bounds { Term = 2, OnTheirWay = 4, Restarts = 2, Notices = 1, Lapses = true },
    };

    public static readonly Model Replication = new()
    {
        Name = "replication",
        About = "three members replicate one entry at a time while one message is lost and one arrives twice, under several leaders",
        Initial = Make.Voters(3),
        Members = 3,
        PersistsAtOnce = true,
        BeginsWithLeader = true,
        Options = new RaftOptions { ElectionTimeoutTicks = 2, HeartbeatIntervalTicks = 1, LeaderGoneDelayTicks = 0, StartDelayTicks = 0, MaxAppendBytes = 1 },
        Small = new Bounds { Term = 2, OnTheirWay = 2, Proposals = 1, Losses = 1, Doubles = 1 },
        Large = new Bounds { Term = 3, OnTheirWay = 3, Proposals = 2, Losses = 1, Doubles = 1 },
    };

    public static readonly Model Conflicts = new()
    {
        Name = "conflicts",
        About = "three members whose logs are those of figure 8 of the paper: leaders of terms 2 and 3 ended before anybody had their entries, and the next ones replicate or replace these",
        Initial = Make.Voters(3),
        Members = 3,
        PersistsAtOnce = true,
        DiskOf = static member => member switch
        {
            1 => new Disk(new HardState(new Term(3), MemberId.None), null, Make.Log(1, 2)),
            2 => new Disk(new HardState(new Term(3), Make.Id(3)), null, Make.Log(1)),
            _ => new Disk(new HardState(new Term(3), Make.Id(3)), null, Make.Log(1, 3)),
        },
        Options = Replication.Options,
        Small = new Bounds { Term = 4, OnTheirWay = 3 },
        Large = new Bounds { Term = 5, OnTheirWay = 3, Restarts = 1, Losses = Bounds.AnyNumber },
    };

    public static readonly Model Membership = new()
    {
        Name = "membership",
        About = "one member becomes three, as a learner that is promoted and by a joint configuration, and the first one leaves; elections and a restart at every moment of it",
        Initial = Make.Voters(1),
        Members = 3,
        PersistsAtOnce = true,
        BeginsWithLeader = true,
        Changes = [new AddMember(Make.Member(2)), new PromoteMember(Make.Id(2)), new AddMember(Make.Member(3), AsVoter: true), new RemoveMember(Make.Id(1))],
        Small = new Bounds { Term = 1, OnTheirWay = 2, Changes = 4, Restarts = 1 },
        Large = new Bounds { Term = 2, OnTheirWay = 3, Changes = 4, Restarts = 1 },
    };

    public static readonly Model Reads = new()
    {
        Name = "reads",
        About = "leaders and followers ask for read indexes while entries are committed, leaders change, and a member that asked restarts",
        Initial = Make.Voters(3),
        Members = 3,
        PersistsAtOnce = true,
        BeginsWithLeader = true,
        Small = new Bounds { Term = 1, OnTheirWay = 3, Reads = 1, Proposals = 1, Restarts = 1 },
        Large = new Bounds { Term = 2, OnTheirWay = 3, Reads = 2, Proposals = 1, Restarts = 1 },
    };

    public static readonly IReadOnlyList<Model> InOrder = [Elections, Replication, Conflicts, Membership, Reads];
}
