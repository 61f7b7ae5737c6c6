using System.Globalization;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.Raft.Tests.Support;

namespace Consensus.Exploration.Models;

/// <summary>How far a search goes. A bound of 0 means that the thing does not happen at all.</summary>
internal sealed record Bounds
{
    /// <summary>As a bound of losses: they are not counted, and so tell no states apart.</summary>
    public const int AnyNumber = 15;

    /// <summary>Nobody begins an election that could lead past this term.</summary>
    public int Term { get; init; } = 2;

    /// <summary>Messages on their way at one time. A step that would send more is not taken.</summary>
    public int OnTheirWay { get; init; } = 4;

    public int Restarts { get; init; }

    public int Losses { get; init; }

    public int Doubles { get; init; }

    public int Proposals { get; init; }

    public int Reads { get; init; }

    /// <summary>So many changes of the model's list, in order.</summary>
    public int Changes { get; init; }

    /// <summary>How often a member hears that its leader's process is gone, whether that is so or not.</summary>
    public int Notices { get; init; }

    /// <summary>Whether time may also pass without anything falling due, so that a silent leader is given up before anybody stands.</summary>
    public bool Lapses { get; init; }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"terms up to {Term}, {OnTheirWay} messages on their way, {Restarts} restarts, {(Losses == AnyNumber ? "any" : Losses)} lost, {Doubles} doubled, ")
        + string.Create(CultureInfo.InvariantCulture, $"{Proposals} proposals, {Reads} reads, {Changes} changes, {Notices} notices{(Lapses ? ", lapses" : "")}");
}

/// <summary>A small cluster, and what may happen to it.</summary>
internal sealed record Model
{
    public required string Name { get; init; }

    /// <summary>What it is for, in one sentence.</summary>
    public required string About { get; init; }

    public required Configuration Initial { get; init; }

    /// <summary>Members 1 to this; those that the initial configuration lacks wait to be added.</summary>
    public required int Members { get; init; }

    /// <summary>Bounds that take seconds: every test run.</summary>
    public required Bounds Small { get; init; }

    /// <summary>Bounds for up to 10,000,000 states.</summary>
    public required Bounds Large { get; init; }

    /// <summary>Whether a write is durable within the step that asks for it; else that is a step of its own.</summary>
    public bool PersistsAtOnce { get; init; }

    /// <summary>What each member's disk holds at the beginning: nothing, unless it is said here.</summary>
    public Func<int, Disk> DiskOf { get; init; } = static _ => new Disk(default, null, []);

    /// <summary>Whether the search begins when member 1 leads in term 1 and nothing is on its way.</summary>
    public bool BeginsWithLeader { get; init; }

    public IReadOnlyList<MembershipChange> Changes { get; init; } = [];

    /// <summary>Waits of a few ticks: nothing is decided by how long they are, only by which is over.</summary>
    public RaftOptions Options { get; init; } = new() { ElectionTimeoutTicks = 2, HeartbeatIntervalTicks = 1, LeaderGoneDelayTicks = 0, StartDelayTicks = 0, PromotionLagEntries = 1 };

    /// <summary>What a member knows when it starts with an empty disk: one that waits to be added knows whom to talk to, and that it does not count.</summary>
    public Configuration StartOf(int member) => Initial.Find(Make.Id(member)) is not null
        ? Initial
        : new Configuration(Initial.Members, [], [], [.. Initial.Members.Select(m => m.Id)]);
}
