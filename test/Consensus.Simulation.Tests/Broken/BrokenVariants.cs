using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Checkers.Protocol;
using Consensus.Simulation.Faults;
using Consensus.Simulation.Nodes;
using Consensus.Simulation.Runs;
using Consensus.StateMachine;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>One mistake that the promises rest on not being made, and the checker that must see it.</summary>
/// <param name="Mistake">In a few words, for the test's name.</param>
/// <param name="Checker">Who must see it: only this one looks.</param>
/// <param name="Seed">The first seed at which it is seen; with time it may drift, so a few seeds after it are tried too.</param>
/// <param name="Faults">What must happen for it to show.</param>
/// <param name="Wiring">Production parts, put together with the mistake.</param>
/// <param name="Suited">What else of the plan must be so for it to show soon; null for nothing.</param>
internal sealed record BrokenVariant(
    string Mistake,
    string Checker,
    ulong Seed,
    FaultKinds Faults,
    Func<Wiring> Wiring,
    Func<SimulationPlan, SimulationPlan>? Suited = null)
{
    /// <summary>So many seeds are tried from <see cref="Seed"/>: more where it is seen seldom and a run is short.</summary>
    public ulong Window { get; init; } = 25;

    /// <summary>Short runs of three or five members that crash or are cut off often, with much to do and locks that end while somebody waits.</summary>
    public SimulationPlan PlanOf(ulong seed)
    {
        var drawn = SimulationPlan.Draw(seed);
        var plan = drawn with
        {
            Cluster = drawn.Cluster with
            {
                Nodes = seed % 2 == 0 ? 3 : 5,
                Spares = 0,
                Raft = drawn.Cluster.Raft with { ElectionTimeoutTicks = 300, HeartbeatIntervalTicks = 30 },
                Network = new() { DelayMicros = 200, JitterMicros = 2_000 },
                Limits = Limits.Default,
                Watches = new(),
            },
            Coordination = new(),
            Sessions = 0,
            Principals = 0,
            Holders = new(),
            Leavers = new(),
            Clients = drawn.Clients with { Clients = 6, ThinkMicros = 20_000, IdentityPercent = 80, LockWeight = 25, Locks = 2, DelayMicros = 300, HeldUpPercent = 0, WithdrawPercent = 0, BreakPercent = 0 },
            Faults = new FaultOptions(Faults, 500_000),
            DurationMicros = 15_000_000,
        };
        return Suited?.Invoke(plan) ?? plan;
    }

    public override string ToString() => $"{Mistake}: seen by \"{Checker}\"";
}

/// <summary>Every mistake that is made on purpose.</summary>
internal static class BrokenVariants
{
    private const FaultKinds Crashes = FaultKinds.Kill | FaultKinds.PowerLoss | FaultKinds.PowerLossOfAll;
    private const FaultKinds Cuts = FaultKinds.Partition | FaultKinds.Partial | FaultKinds.LinkReset;
    private const FaultKinds Power = FaultKinds.PowerLoss | FaultKinds.PowerLossOfAll;

    public static IReadOnlyList<BrokenVariant> All { get; } =
    [
        new("acknowledged before the flush", Durability.Name, 1, Power, static () => new AcknowledgesBeforeFlush(), SlowFlush),
        new("acknowledged before the flush", RevisionsIncrease.Name, 55, FaultKinds.PowerLossOfAll, static () => new AcknowledgesBeforeFlush(), SlowFlush),
        new("committed without a majority", Durability.Name, 1, Crashes | Cuts, static () => new CommitsWithoutMajority()),
        new("committed without a majority", LeaderCompleteness.Name, 65, Crashes | Cuts, static () => new CommitsWithoutMajority()),
        new("committed without a majority", StateMachineSafety.Name, 65, Crashes | Cuts, static () => new CommitsWithoutMajority()),
        new("entries of earlier terms counted", LeaderCompleteness.Name, 2, FaultKinds.Kill | FaultKinds.Loss, static () => new CountsOldTermEntries(), AsInFigure8) { Window = 200 },
        new("vote forgotten at a restart", ElectionSafety.Name, 5, FaultKinds.Kill | FaultKinds.Reordering, static () => new ForgetsItsVote(), SlowVotes),
        new("entries that change on their way", LogMatching.Name, 1, FaultKinds.None, static () => new ChangesEntriesOnTheirWay()),
        new("read without a read index", RevisionsIncrease.Name, 1, Cuts, static () => new ReadsWithoutReadIndex()),
        new("read without a read index", ObjectHistories.Name, 1, Cuts, static () => new ReadsWithoutReadIndex()),
        new("an answer taken that was for the process before", RevisionsIncrease.Name, 3, FaultKinds.Respawn, static () => new TakesAnswersForTheProcessBefore(), LateAnswers),
        new("an answer taken that was for the process before", ObjectHistories.Name, 9, FaultKinds.Respawn, static () => new TakesAnswersForTheProcessBefore(), LateAnswers),
        new("leases shortened at a failover", LeasePromise.Name, 5, Crashes, static () => new ShortensLeasesAtFailover()),
        new("leases shortened at a failover", OneHolder.Name, 9, Crashes, static () => new ShortensLeasesAtFailover()),
        new("leases reset at a failover", LeasesEnd.Name, 2, FaultKinds.None, static () => new ResetsLeasesAtFailover()),
        new("tokens from a counter that restarts", TokensIncrease.Name, 1, Crashes, static () => new CountsTokensInMemory()),
        new("a retry done again", RetryOnce.Name, 2, Crashes | Cuts, static () => new ForgetsIdentities()),
        new("a change refused that is made all the same", ChangeAnswers.Name, 1, FaultKinds.Membership, static () => new RefusesChangesThatAreMade(), MembersComeAndGo),
        new("a watch that goes on with what is new", WatchOrder.Name, 1, Crashes, static () => new GoesOnWithWhatIsNew(), SomebodyWatches),
        new("a watch opened without a read index", WatchOrder.Name, 1, Cuts, static () => new ReadsWithoutReadIndex(), SomebodyWatches),
        new("tokens from a counter that restarts", Answers.Name, 1, FaultKinds.None, static () => new CountsTokensInMemory()),
        new("compares judged by the member that is asked", Transactions.Name, 1, Cuts, static () => new JudgesComparesBeforeTheLog(), Coordinated),
        new("compares judged by the member that is asked", GuardedWrites.Name, 1, Cuts, static () => new JudgesComparesBeforeTheLog(), Guarded),
        new("leases shortened at a failover", HoldersFit.Name, 15, Crashes, static () => new ShortensLeasesAtFailover(), Coordinated),
        new("read without a read index", Fences.Name, 5, Cuts, static () => new ReadsWithoutReadIndex(), Fenced),
        new("lock delays that are lost on their way", LockDelays.Name, 1, FaultKinds.None, static () => new ForgetsTerms(), Coordinated),
        new("lock delays of shared holds and permits that are lost on their way", LockDelays.Name, 1, FaultKinds.None, static () => new ForgetsSharedDelays(), Coordinated),
        new("bounds of holds that are lost on their way", MaxHolds.Name, 1, FaultKinds.None, static () => new ForgetsTerms(), Coordinated),
        new("a hand-over to whoever is next", HandOvers.Name, 1, FaultKinds.None, static () => new HandsOverToTheNext(), Coordinated),
        new("several locks asked for one by one", MultiLocks.Name, 5, FaultKinds.None, static () => new AsksForTheFirstOnly(), Coordinated),
        new(
            "several locks that are waited for where they are held alone", WaitingMultiLocks.Name, 1, FaultKinds.None,
            static () => new StandsInLineWhereItIsHeldAlone(), Coordinated),
        new(
            "several waited for and one of them granted", WaitingMultiLocks.Name, 1, FaultKinds.None,
            static () => new AsksForTheFirstOnly(), Coordinated),
        new("refusals that are not kept", FinalAnswers.Name, 1, FaultKinds.None, static () => new ForgetsRefusals(), HeldUp),
        new("a fence's pass that changed nothing is not kept", FinalAnswers.Name, 1, FaultKinds.None, static () => new ForgetsPassesThatChangeNothing(), FencedAndHeldUp),
        new("a withdrawal that leaves no mark of what never arrived", Withdrawals.Name, 1, FaultKinds.None, static () => new ForgetsWhatNeverArrived(), GivenUp),
        new("a withdrawal that gives nothing back", Withdrawals.Name, 1, FaultKinds.None, static () => new GivesNothingBack(), GivenUp),
        new("acked that falls", SessionAnswers.Name, 1, FaultKinds.None, static () => new TakesWhatIsAcknowledged(), WithSessions),
        new("a settlement that only looks", SessionAnswers.Name, 1, FaultKinds.None, static () => new SettlesByLooking(), WithSessions),
        new(
            "a renewal that revives a dead session",
            SessionLives.Name,
            1,
            FaultKinds.None,
            static () => new RevivesSessions(),
            WithHolders),
        new("a place that loses its number", SessionPlaces.Name, 1, FaultKinds.None, static () => new LosesNumbersOfPlaces(), WithHolders),
        new("a place that loses its number", SessionAnswers.Name, 1, FaultKinds.None, static () => new LosesNumbersOfPlaces(), WithHolders),
        new(
            "a place of a session that hangs on its connection",
            SessionPlaces.Name,
            1,
            FaultKinds.None,
            static () => new TakesNumbersForKeys(),
            WithHolders),
        new(
            "a settlement of a place that only looks",
            SessionAnswers.Name,
            1,
            FaultKinds.None,
            static () => new SettlesByLooking(),
            WithHolders),
        new("news that are older than their renewal", NewsTold.Name, 1, FaultKinds.None, static () => new TellsOldNews(), WithHolders),
        new(
            "news that do not tell of what was held too long",
            NewsTold.Name,
            1,
            FaultKinds.None,
            static () => new TellsNotOfMaxHolds(),
            WithHolders),
        new("a detach without its attempt", Detachments.Name, 1, FaultKinds.None, static () => new DetachesWithoutTheAttempt(), WithBreaks),
        new(
            "a bound judged by what one member was started with",
            SettingsInForce.Name,
            1,
            FaultKinds.None,
            static () => new JudgesByItsStartOption(),
            WithOperators),
        new("a limit other than was asked", PermitChanges.Name, 1, FaultKinds.None, static () => new GivesOnePermitMore(), WithOperators),
        new(
            "a limit below what is out, made to fit",
            PermitChanges.Name,
            1,
            FaultKinds.None,
            static () => new TakesPermitsFromHolders(),
            WithOperators),
        new(
            "lock delays that end with any grant",
            LockDelays.Name,
            1,
            FaultKinds.None,
            static () => new EndsDelaysWithAnyGrant(),
            SharedDelays),
        new("a right that a member remembers", RevokedEffects.Name, 1, FaultKinds.None, static () => new RemembersRights(), WithPrincipals),
        new(
            "a refusal that a member remembers",
            RevokedEffects.Name,
            1,
            FaultKinds.None,
            static () => new RemembersRefusals(),
            WithPrincipals),
        new("places taken by whoever uses the same lease", Places.Name, 1, FaultKinds.None, static () => new AttachesByLease(), Coordinated),
        new(
            "a client that left and of whom nobody hears",
            LeftHolds.Name,
            1,
            FaultKinds.None,
            static () => new NoticesNoClientThatLeft(),
            WithLeavers),
        new(
            "several locks that were left and of which only the first has an end",
            LeftHolds.Name,
            1,
            FaultKinds.None,
            static () => new EndsTheFirstOfSeveral(),
            WithLeavers),
        new("a disk error that no thread catches while a snapshot comes", LastWords.Name, 79, FaultKinds.FullDisk | FaultKinds.Kill, static () => new ReceivesUnguarded(), ManySnapshots),
        new("a disk error that no thread catches while a snapshot goes", LastWords.Name, 1, FaultKinds.BadSector | FaultKinds.Kill, static () => new SendsUnguarded(), ManySnapshots),
        new("a log in memory without a bound", HeldBytesBound.Name, 1, FaultKinds.Kill, static () => new ForgetsNoLog(), LittleLogInMemory),
        new("turns without a limit", LeaderIsHeard.Name, 1, FaultKinds.PowerLossOfAll, static () => new TurnsWithoutLimit(), MuchToApply),
        new("a log that is not kept for who catches up", CatchUpEnds.Name, 1, FaultKinds.Kill, static () => new KeepsNoLogForWhoCatchesUp(), SlowSnapshots),
        new("votes that never leave", Progress.Name, 1, FaultKinds.None, static () => new KeepsVotesBack()),
    ];

    private static SimulationPlan WithPrincipals(SimulationPlan plan) => plan with { Principals = 3 };

    private static SimulationPlan WithSessions(SimulationPlan plan) => plan with { Sessions = 3 };

    private static SimulationPlan Coordinated(SimulationPlan plan) => plan with { Coordination = new() { Clients = 5 } };

    private static SimulationPlan WithHolders(SimulationPlan plan) => plan with { Holders = new() { Clients = 4 } };

    /// <summary>Few ask for several locks each, so that a line is soon over, and nearly all of them leave for good.</summary>
    private static SimulationPlan WithLeavers(SimulationPlan plan) => plan with
    {
        Leavers = new() { Clients = 3, ThinkMicros = 100_000, SeveralPercent = 90, BackPercent = 5 },
        DurationMicros = 30_000_000,
    };

    /// <summary>Many wait for little, and lose their connections meanwhile.</summary>
    private static SimulationPlan WithBreaks(SimulationPlan plan) => plan with
    {
        Clients = plan.Clients with { IdentityPercent = 100, BreakPercent = 60 },
        Coordination = new() { Clients = 6, Names = 1, HoldWeight = 100, ForceWeight = 0 },
    };

    /// <summary>
    /// Little is allowed by what members were started with, until an operator raises it, and limits of semaphores change.
    /// </summary>
    private static SimulationPlan WithOperators(SimulationPlan plan) => plan with
    {
        Coordination = new() { Clients = 6, Names = 1, PermitWeight = 20, SettingWeight = 1, LeaseWeight = 30 },
        Cluster = plan.Cluster with { MembersDiffer = true, Limits = Limits.Default with { MaxLeases = 4 } },
    };

    /// <summary>Many hold and lose the same, and what they lost is kept for them.</summary>
    private static SimulationPlan SharedDelays(SimulationPlan plan) => plan with
    {
        Coordination = new() { Clients = 6, Names = 1, HoldWeight = 100, ForceWeight = 20 },
    };

    /// <summary>Operators break holds all the time, and what is guarded by these is written.</summary>
    private static SimulationPlan Guarded(SimulationPlan plan) => plan with
    {
        Coordination = new() { Clients = 6, Names = 1, TransactionWeight = 60, ForceWeight = 15, FenceWeight = 0, LeaseWeight = 0 },
    };

    private static SimulationPlan Fenced(SimulationPlan plan) => plan with { Coordination = new() { Clients = 5, Names = 1, FenceWeight = 100 } };

    /// <summary>Many attempts are held up in a member while their clients ask elsewhere.</summary>
    private static SimulationPlan HeldUp(SimulationPlan plan) => plan with
    {
        Clients = plan.Clients with { HeldUpPercent = 30, LongestPatience = 1_000_000, IdentityPercent = 100 },
    };

    private static SimulationPlan FencedAndHeldUp(SimulationPlan plan) => HeldUp(plan) with { Coordination = new() { Clients = 6, Names = 1, FenceWeight = 200 } };

    private static SimulationPlan GivenUp(SimulationPlan plan) => HeldUp(plan) with
    {
        Clients = HeldUp(plan).Clients with { WithdrawPercent = 50 },
        Coordination = new() { Clients = 5 },
    };

    private static SimulationPlan SomebodyWatches(SimulationPlan plan) => plan with
    {
        Cluster = plan.Cluster with { Watches = new() { Watchers = 4, StayMicros = 1_000_000, KeptMessages = 20, StepBytes = 300 } },
    };

    /// <summary>A flush takes long enough for the power to fail before it is over.</summary>
    private static SimulationPlan SlowFlush(SimulationPlan plan) => plan with
    {
        Cluster = plan.Cluster with { SnapshotEntries = 5_000, Disk = new() { SyncMicros = 20_000, JitterMicros = 20_000 } },
    };

    /// <summary>Entries go one by one, so that those of an earlier term may reach a majority before the leader's own does (Raft figure 8).</summary>
    private static SimulationPlan AsInFigure8(SimulationPlan plan) => plan with
    {
        Cluster = plan.Cluster with
        {
            Nodes = 3,
            SnapshotEntries = 5_000,
            Raft = plan.Cluster.Raft with { MaxAppendBytes = 1, MaxInflightAppends = 1 },
            Network = new() { DelayMicros = 1_000, JitterMicros = 10_000, LossPer10000 = 3_000 },
        },
        Faults = plan.Faults with { MeanMicros = 700_000 },
        DurationMicros = 60_000_000,
    };

    private static SimulationPlan MembersComeAndGo(SimulationPlan plan) => plan with { Cluster = plan.Cluster with { Spares = 4 } };

    /// <summary>Members start with all of their log behind them, and it takes them as long to apply as if it were a thousand times as long.</summary>
    private static SimulationPlan MuchToApply(SimulationPlan plan) => plan with
    {
        Cluster = plan.Cluster with { SnapshotEntries = 5_000, TurnUnits = 5, Cost = new() { UnitMicros = 1_000 }, Disk = new() },
        Faults = plan.Faults with { MeanMicros = 2_000_000 },
    };

    /// <summary>Who was away for a moment needs a snapshot, and before it has that the next one is taken.</summary>
    private static SimulationPlan SlowSnapshots(SimulationPlan plan) => ManySnapshots(plan) with
    {
        Cluster = ManySnapshots(plan).Cluster with { Nodes = 3, Cost = new() { SnapshotBytesPerSecond = 100_000 }, Disk = new() },
        Clients = plan.Clients with { ThinkMicros = 5_000 },
        Faults = plan.Faults with { MeanMicros = 8_000_000 },
        DurationMicros = 60_000_000,
    };

    /// <summary>Who was away for a moment needs a snapshot.</summary>
    private static SimulationPlan ManySnapshots(SimulationPlan plan) => plan with
    {
        Cluster = plan.Cluster with { SnapshotEntries = 10, Raft = plan.Cluster.Raft with { TrailingEntries = 0 } },
        Faults = plan.Faults with { MeanMicros = 200_000 },
    };

    /// <summary>No snapshot is ever due, so nothing but the bound makes the log shorter.</summary>
    private static SimulationPlan LittleLogInMemory(SimulationPlan plan) => plan with
    {
        Cluster = plan.Cluster with
        {
            SnapshotEntries = 1_000_000,
            Raft = plan.Cluster.Raft with { MaxLogBytes = 10_000, TrailingBytes = 2_000 },
        },
        Clients = plan.Clients with { Clients = 12, ThinkMicros = 1_000 },
    };

    /// <summary>Answers take long enough for the next process to have asked when they come.</summary>
    private static SimulationPlan LateAnswers(SimulationPlan plan)
    {
        var late = plan.WithLateAnswers();
        return late with { Cluster = late.Cluster with { Nodes = 3, SnapshotEntries = 5_000 } };
    }

    /// <summary>Votes take long enough for a voter to end and start again while two candidates of one term want them.</summary>
    private static SimulationPlan SlowVotes(SimulationPlan plan) => plan with
    {
        Cluster = plan.Cluster with
        {
            Network = new() { DelayMicros = 20_000, JitterMicros = 100_000, ReorderingPer10000 = 3_000, StragglerMicros = 1_000_000 },
        },
        Faults = plan.Faults with { MeanMicros = 250_000 },
    };
}
