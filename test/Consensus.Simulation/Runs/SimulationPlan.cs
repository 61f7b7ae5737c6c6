using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Faults;
using Consensus.Simulation.Network;
using Consensus.Simulation.Nodes;
using Consensus.Simulation.Watches;

namespace Consensus.Simulation.Runs;

/// <summary>One run: everything in it follows from this.</summary>
/// <param name="DurationMicros">Virtual time under faults, before the healing.</param>
public sealed record SimulationPlan(ulong Seed, ClusterPlan Cluster, ClientOptions Clients, FaultOptions Faults, long DurationMicros)
{
    /// <summary>Clients of what is beyond plain keys and locks; none unless drawn.</summary>
    public CoordinationOptions Coordination { get; init; } = new();

    /// <summary>Clients with a session each; none unless drawn.</summary>
    public int Sessions { get; init; }

    /// <summary>Clients that hold and wait under sessions; none unless drawn.</summary>
    public HolderPlan Holders { get; init; } = new();

    /// <summary>Clients that leave without their answers; none unless drawn.</summary>
    public LeaverPlan Leavers { get; init; } = new();

    /// <summary>Principals whose rights end and begin; none unless drawn.</summary>
    public int Principals { get; init; }

    public int TotalClients => Clients.Clients + Coordination.Clients;

    /// <summary>The same run with less in it; without a reduction, the very same.</summary>
    public SimulationPlan Reduce(Reduction by)
    {
        bool Stays(FaultKinds kind) => (by.Without & kind) == 0;
        return this with
        {
            Cluster = Cluster with
            {
                Network = Cluster.Network with
                {
                    LossPer10000 = Stays(FaultKinds.Loss) ? Cluster.Network.LossPer10000 : 0,
                    DuplicationPer10000 = Stays(FaultKinds.Duplication) ? Cluster.Network.DuplicationPer10000 : 0,
                    ReorderingPer10000 = Stays(FaultKinds.Reordering) ? Cluster.Network.ReorderingPer10000 : 0,
                },
            },
            Clients = Clients with { Clients = Math.Min(by.Clients ?? Clients.Clients, Clients.Clients) },
            Coordination = Coordination with { Clients = Math.Clamp((by.Clients ?? TotalClients) - Clients.Clients, 0, Coordination.Clients) },
            Faults = Faults with { Without = by.Without },
            DurationMicros = Math.Min(by.PhaseOneMicros ?? DurationMicros, DurationMicros),
        };
    }

    /// <summary>Draws a run from its seed.</summary>
    public static SimulationPlan Draw(ulong seed)
    {
        var random = new DeterministicRandom(seed);
        var faults = DrawFaults(random);
        var cluster = new ClusterPlan
        {
            Seed = random.NextUInt64(),
            Nodes = DrawNodes(random),
            Raft = DrawRaft(random),
            Storage = new() { SegmentBytes = Pick(random, 8, 16, 64, 256) << 10, MaxSnapshotBytes = 64 << 20 },
            SnapshotEntries = Pick(random, 10, 50, 200, 1_000, 5_000),
            Network = DrawNetwork(random, faults),
            Disk = new DiskTiming { SyncMicros = Pick(random, 100, 500, 3_000, 10_000), JitterMicros = Pick(random, 100, 1_000, 10_000) },
        };
        var clients = new ClientOptions
        {
            Clients = (int)random.Next(2, 13),
            Keys = (int)random.Next(1, 9),
            Locks = (int)random.Next(1, 5),
            ThinkMicros = Pick(random, 5_000, 30_000, 100_000, 300_000),
            IdentityPercent = (int)Pick(random, 0, 50, 80, 100),
            LockWeight = (int)Pick(random, 5, 25, 80),
            DelayMicros = Pick(random, 100, 1_000, 20_000),
        };
        var plan = new SimulationPlan(seed, cluster, clients, faults, random.Next(10, 60) * 1_000_000);
        plan = WithCosts(WithBadSectors(WithTurns(WithRespawns(WithTroubles(WithCoordination(WithWatchers(WithMembership(plan))))))));
        return WithPrincipals(WithLeavers(WithLines(WithOperators(WithBreaks(WithHolders(WithSessions(plan)))))));
    }

    /// <summary>In an eighth of the runs it is judged who may do what. Drawn apart.</summary>
    private static SimulationPlan WithPrincipals(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x9014_E002);
        return random.Chance(1, 8) ? plan with { Principals = (int)random.Next(1, 4) } : plan;
    }

    /// <summary>In a quarter of the runs some clients have sessions. Drawn apart, so that the others are what they would be without.</summary>
    private static SimulationPlan WithSessions(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x5E55_1085);
        return random.Chance(1, 4) ? plan with { Sessions = (int)random.Next(1, 4) } : plan;
    }

    /// <summary>
    /// In a quarter of the runs clients hold and wait under sessions, and in some of these a session remembers little of what ended. Drawn
    /// apart.
    /// </summary>
    private static SimulationPlan WithHolders(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x401D_E125);
        return !random.Chance(1, 4)
            ? plan
            : plan with
            {
                Holders = new HolderPlan
                {
                    Clients = (int)random.Next(1, 5),
                    Locks = (int)random.Next(1, 4),
                    Permits = (int)random.Next(1, 5),
                    WaitPercent = (int)Pick(random, 30, 75, 100),
                    BreakPercent = (int)Pick(random, 0, 50, 90),
                },
                Cluster = plan.Cluster with { Limits = plan.Cluster.Limits with { MaxSessionEnds = (int)Pick(random, 1, 5, 100) } },
            };
    }

    /// <summary>In a quarter of the runs some clients leave without their answers, and what they left is broken. Drawn apart.</summary>
    private static SimulationPlan WithLeavers(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x1EA7_E125);
        return !random.Chance(1, 4)
            ? plan
            : plan with
            {
                Leavers = new LeaverPlan
                {
                    Clients = (int)random.Next(1, 4),
                    Locks = (int)Pick(random, 3, 8, 30),
                    ThinkMicros = Pick(random, 150_000, 300_000, 1_000_000),
                    SeveralPercent = (int)Pick(random, 30, 60, 100),
                    BackPercent = (int)Pick(random, 0, 20, 60),
                },
            };
    }

    /// <summary>In a quarter of the runs connections break of those who wait, and these ask again elsewhere. Drawn apart.</summary>
    private static SimulationPlan WithBreaks(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0xB4EA_C5);
        return random.Chance(1, 4) ? plan with { Clients = plan.Clients with { BreakPercent = (int)Pick(random, 10, 50) } } : plan;
    }

    /// <summary>
    /// In an eighth of those with locks all clients want the same one, and ask again as soon as they have given it back, so that its line
    /// is long and moves: acquires then wait for company at the leader. Drawn apart.
    /// </summary>
    private static SimulationPlan WithLines(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x0114_E500);
        return plan.Clients.LockWeight == 0 || !random.Chance(1, 8)
            ? plan
            : plan with
            {
                Clients = plan.Clients with
                {
                    Clients = (int)random.Next(8, 13),
                    Locks = 1,
                    LockWeight = 400,
                    ThinkMicros = Pick(random, 500, 3_000, 20_000),
                    DelayMicros = Pick(random, 100, 300),
                },
            };
    }

    /// <summary>
    /// In a quarter of those with transactions and holds operators change limits and settings, of a cluster whose members were started with
    /// different ones, and with little. Drawn
    /// apart.
    /// </summary>
    private static SimulationPlan WithOperators(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x09E2_A702);
        return plan.Coordination.Clients == 0 || !random.Chance(1, 4)
            ? plan
            : plan with
            {
                Coordination = plan.Coordination with { PermitWeight = (int)Pick(random, 3, 15), SettingWeight = (int)Pick(random, 0, 1, 3) },
                Cluster = plan.Cluster with
                {
                    MembersDiffer = true,
                    Limits = plan.Cluster.Limits with
                    {
                        MaxLeases = Pick(random, 4, 20, 2_000_000),
                        MaxObjects = Pick(random, 3, 1_000_000),
                        MaxWaiters = Pick(random, 2, 1_000_000),
                    },
                },
            };
    }

    /// <summary>In half of the runs a turn may apply a few entries only, so that what is committed is applied over many. Drawn apart.</summary>
    private static SimulationPlan WithTurns(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x7412_B4D6);
        return random.Chance(1, 2) ? plan : plan with { Cluster = plan.Cluster with { TurnUnits = Pick(random, 1, 10, 50, 500) } };
    }

    /// <summary>In half of the runs work takes as long as on a slow machine, and in some snapshots take seconds or links are narrow. Drawn apart.</summary>
    private static SimulationPlan WithCosts(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0xC057_0C05);
        return plan with
        {
            Cluster = plan.Cluster with
            {
                Cost = new WorkCost
                {
                    // A whole budget is worth about 5 ms.
                    UnitMicros = random.Chance(1, 2) ? 1 : Math.Clamp(5_000 / plan.Cluster.TurnUnits, 1, 20),
                    SnapshotBytesPerSecond = Pick(random, 0, 0, 0, 40_000, 100_000),
                },
                Network = plan.Cluster.Network with { BytesPerSecond = Pick(random, 0, 0, 0, 100_000, 1_000_000) },
            },
        };
    }

    /// <summary>In a third of the runs sectors of snapshots cannot be read. Drawn apart.</summary>
    private static SimulationPlan WithBadSectors(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0xBAD5_EC70);
        return random.Chance(1, 3) ? plan with { Faults = plan.Faults with { Kinds = plan.Faults.Kinds | FaultKinds.BadSector } } : plan;
    }

    /// <summary>
    /// In some of the runs members come and go. Drawn apart, so that the others are what they would be without.
    /// </summary>
    private static SimulationPlan WithMembership(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x3E3B_002A);
        return !random.Chance(1, 4)
            ? plan
            : plan with
            {
                Cluster = plan.Cluster with
                {
                    Spares = (int)random.Next(2, 7),
                    Raft = plan.Cluster.Raft with { PromotionLagEntries = Pick(random, 5, 50, 1_000) },
                },
                Faults = plan.Faults with { Kinds = plan.Faults.Kinds | FaultKinds.Membership, MembershipMicros = Pick(random, 200_000, 700_000, 2_000_000) },
                DurationMicros = plan.DurationMicros + 20_000_000,
            };
    }

    /// <summary>
    /// In a third of the runs processes end right after they asked for something, and clients go from member to member, so that the next process has something to ask
    /// for. Drawn apart, as members that come and go are.
    /// </summary>
    private static SimulationPlan WithRespawns(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x4E_5A_0B);
        if (!random.Chance(1, 3))
        {
            return plan;
        }
        plan = plan with { Faults = plan.Faults with { Kinds = plan.Faults.Kinds | FaultKinds.Respawn }, Clients = plan.Clients with { WanderPercent = 50 } };
        return random.Chance(1, 4) ? plan.WithLateAnswers() : plan;
    }

    /// <summary>
    /// Many answers are so late that the next process asks in turn before they come, and many clients come to it from members that have seen more. Little else goes
    /// wrong, so that there is somebody to answer.
    /// </summary>
    public SimulationPlan WithLateAnswers() => this with
    {
        Cluster = Cluster with
        {
            Disk = new(),
            Network = new() { DelayMicros = 2_000, JitterMicros = 10_000, ReorderingPer10000 = 4_000, StragglerMicros = 300_000 },
        },
        Clients = Clients with { Clients = 16, Keys = 2, LockWeight = 0, ThinkMicros = 5_000, WanderPercent = 60, DelayMicros = 300 },
        Faults = Faults with { Kinds = Faults.Kinds & (FaultKinds.Respawn | FaultKinds.Membership | FaultKinds.ClockRates | FaultKinds.Reordering), MeanMicros = 150_000 },
        DurationMicros = Math.Min(DurationMicros, 10_000_000),
    };

    /// <summary>In half of the runs somebody watches, and history is forgotten. Drawn apart, so that the others are what they would be without.</summary>
    private static SimulationPlan WithWatchers(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x0B5E_27E2);
        return !random.Chance(1, 2)
            ? plan
            : plan with
            {
                Cluster = plan.Cluster with
                {
                    Limits = plan.Cluster.Limits with
                    {
                        HistoryKeepMicros = Pick(random, 2_000_000, 10_000_000, 300_000_000),
                        MaxHistoryBytes = Pick(random, 3_000, 30_000, 128 << 20),
                    },
                    Watches = new WatcherOptions
                    {
                        Watchers = (int)random.Next(1, 6),
                        KeptMessages = (int)Pick(random, 2, 20, 16_384),
                        KeptBytes = Pick(random, 500, 32 << 20),
                        StepBytes = (int)Pick(random, 1, 300, 64 << 10),
                        StepChanges = (int)Pick(random, 3, 100, 20_000),
                        StayMicros = Pick(random, 1_000_000, 5_000_000, 20_000_000),
                        SlowestTakeMicros = Pick(random, 100_000, 2_000_000),
                    },
                },
            };
    }

    /// <summary>In half of the runs clients use transactions and holds of all kinds too. Drawn apart, as the watchers are.</summary>
    private static SimulationPlan WithCoordination(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x60_0D1A);
        return !random.Chance(1, 2)
            ? plan
            : plan with
            {
                Coordination = new CoordinationOptions
                {
                    Clients = (int)random.Next(1, 8),
                    Keys = (int)random.Next(1, 7),
                    Names = (int)random.Next(1, 4),
                    Permits = (int)random.Next(1, 6),
                    TransactionWeight = (int)Pick(random, 5, 20, 60),
                    HoldWeight = (int)Pick(random, 10, 30, 60),
                    ForceWeight = (int)Pick(random, 0, 0, 1, 4),
                },
                Cluster = plan.Cluster with
                {
                    Limits = plan.Cluster.Limits with
                    {
                        IdempotencyMaxAgeMicros = Pick(random, 1_000_000, 5_000_000, 24L * 3_600 * 1_000_000),
                        IdempotencyKeepMicros = Pick(random, 500_000, 60_000_000),
                        MaxIdempotencyKeys = Pick(random, 10, 100, 200_000),
                    },
                },
            };
    }

    /// <summary>In half of the runs attempts are held up in members, and clients take back what they gave up. Drawn apart, as the watchers are.</summary>
    private static SimulationPlan WithTroubles(SimulationPlan plan)
    {
        var random = new DeterministicRandom(plan.Seed ^ 0x7A4B_0E55);
        return !random.Chance(1, 2)
            ? plan
            : plan with
            {
                Clients = plan.Clients with { HeldUpPercent = (int)Pick(random, 1, 5, 20), WithdrawPercent = (int)Pick(random, 0, 20, 100) },
            };
    }

    private static int DrawNodes(DeterministicRandom random) => (int)Pick(random, 1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 6, 7);

    private static FaultOptions DrawFaults(DeterministicRandom random)
    {
        var kinds = FaultKinds.None;
        var share = random.Next(1, 5);
        foreach (var kind in Enum.GetValues<FaultKinds>())
        {
            if (kind is not (FaultKinds.None or FaultKinds.All or FaultKinds.Membership or FaultKinds.Respawn or FaultKinds.BadSector) && random.Chance(share, 5))
            {
                kinds |= kind;
            }
        }
        return new FaultOptions(kinds, Pick(random, 300_000, 1_000_000, 3_000_000));
    }

    private static Raft.RaftOptions DrawRaft(DeterministicRandom random)
    {
        var (election, heartbeat) = random.Chance(2, 3) ? (1000, 100) : (300, 30);
        var inflight = (int)Pick(random, 1, 4, 256);
        var part = (int)Pick(random, 300, 4_000, 1 << 20);
        return new Raft.RaftOptions
        {
            ElectionTimeoutTicks = election,
            HeartbeatIntervalTicks = heartbeat,
            MaxInflightAppends = inflight,
            MaxAppendBytes = part,
            MaxPersistBytes = part,
            TrailingEntries = Pick(random, 0, 10, 200, 5_000),
            MaxCommittedBytes = Pick(random, 500, 4 << 20),
        };
    }

    private static NetworkOptions DrawNetwork(DeterministicRandom random, FaultOptions faults) => new()
    {
        DelayMicros = Pick(random, 50, 200, 2_000, 20_000),
        JitterMicros = Pick(random, 50, 500, 20_000),
        LossPer10000 = faults.Has(FaultKinds.Loss) ? (int)Pick(random, 10, 100, 1_000) : 0,
        DuplicationPer10000 = faults.Has(FaultKinds.Duplication) ? (int)Pick(random, 10, 100, 1_000) : 0,
        ReorderingPer10000 = faults.Has(FaultKinds.Reordering) ? (int)Pick(random, 10, 300, 3_000) : 0,
        StragglerMicros = Pick(random, 5_000, 50_000, 2_000_000),
    };

    private static long Pick(DeterministicRandom random, params long[] from) => from[random.Next(from.Length)];
}
