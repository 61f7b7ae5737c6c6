using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Wire;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Checkers.Protocol;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;

namespace Consensus.Simulation.Checkers;

/// <summary>Follows every member from outside, and tells the checkers of the protocol what they need to know.</summary>
public sealed class ClusterWatch : IClusterObserver
{
    private readonly Dictionary<SimulatedNode, Followed> _followed = [];
    private readonly Durability _durability;
    private readonly ChangeAnswers _changes = new();
    private readonly CatchUpEnds _catchUps = new();
    private readonly ReadyHasCaughtUp _ready = new();
    private readonly Func<long> _now;
    private readonly WatchOptions _options;

    public ClusterWatch(
        IReadOnlyList<SimulatedNode> nodes,
        Configuration initial,
        Limits limits,
        Func<long> now,
        LeasePromise leases,
        ClockBounds bounds,
        WatchOptions? options = null)
    {
        Reference = new ReferenceState(limits);
        (_now, Leases, Bounds, _options) = (now, leases, bounds, options ?? new WatchOptions());
        _durability = new Durability(initial);
        foreach (var node in nodes)
        {
            _followed.Add(node, new Followed());
        }
    }

    public ElectionSafety Elections { get; } = new();

    public LogMatching Matching { get; } = new();

    public LeaderCompleteness Completeness { get; } = new();

    public StateMachineSafety States { get; } = new();

    public ReferenceState Reference { get; }

    /// <summary>The highest index that any member applied.</summary>
    public LogIndex LastApplied { get; private set; }

    public LeasePromise Leases { get; }

    public ClockBounds Bounds { get; }

    public void Recovered(SimulatedNode node, RecoveredLog recovered)
    {
        if (_options.Sees(Durability.Name))
        {
            _durability.Recovered(node.Id, recovered.HardState, recovered.Snapshot, recovered.Entries);
        }
        _ready.MayBeBehind(node.Id, LastApplied);
        var followed = _followed[node] = new Followed();
        followed.Log.Restart(recovered.HardState, recovered.Snapshot, recovered.Entries);
        followed.Applied = recovered.Snapshot?.LastIndex ?? LogIndex.Zero;
        var previous = recovered.Snapshot?.LastTerm ?? Term.Zero;
        foreach (var entry in recovered.Entries)
        {
            Appended(node, entry, previous);
            previous = entry.Term;
        }
    }

    public void Begins(SimulatedNode node, IReadOnlyList<PersistRequest> batch)
    {
        if (_options.Sees(Durability.Name))
        {
            _durability.Begins(node.Id, batch);
        }
    }

    public void Durable(SimulatedNode node, IReadOnlyList<PersistRequest> batch)
    {
        if (_options.Sees(Durability.Name))
        {
            _durability.Durable(node.Id, batch);
        }
    }

    /// <summary>The log of its process that runs, or ran last.</summary>
    public ObservedLog LogOf(SimulatedNode node) => _followed[node].Log;

    public void ChangeAnswered(PendingChange change)
    {
        if (_options.Sees(ChangeAnswers.Name))
        {
            _changes.Answered(change.Request, change.Answer);
        }
    }

    public void Wiped(SimulatedNode node) => _followed[node] = new Followed();

    public void SnapshotTaken(SimulatedNode node, SnapshotMark mark)
    {
        if (_options.Sees(StateMachineSafety.Name))
        {
            States.Installed(node.Id, mark.LastIndex, mark.LastTerm);
        }
        if (_options.Sees(CatchUpEnds.Name) && node.Process is { } process)
        {
            _catchUps.Took(node.Id, process.Boot, process.Core.Term, process.Core.AppliedIndex, mark.LastIndex);
        }
    }

    public void Escaped(SimulatedProcess process, Exception failure)
    {
        if (_options.Sees(LastWords.Name))
        {
            LastWords.Escaped(process.Node.Name, failure);
        }
    }

    public void Ended(SimulatedNode node) => Bounds.CeasesToLead(node.Number, _now());

    public void Turned(SimulatedProcess process, NodeOutput output)
    {
        var node = process.Node;
        var core = process.Core;
        var followed = _followed[node];
        FollowTime(process, followed);
        FollowRole(process, followed, output);
        foreach (var request in output.Persists)
        {
            FollowWrite(process, followed, request);
        }
        FollowVotes(output);
        FollowApplied(node, core, followed);
        FollowReadiness(process);
        if (_options.Sees(HeldBytesBound.Name))
        {
            HeldBytesBound.Turned(node.Name, core, process.Planned);
        }
        if (followed.BeginsToLead)
        {
            followed.BeginsToLead = false;
            if (_options.Sees(LeaderCompleteness.Name))
            {
                Completeness.Leads(node.Id, core.Term, followed.Log);
            }
        }
        if (!ReferenceEquals(followed.View, core.View))
        {
            followed.View = core.View;
            FollowView(node, followed, core.View);
        }
    }

    private void FollowTime(SimulatedProcess process, Followed followed)
    {
        var wasPaused = process.PausedUntil > followed.TurnedAt;
        if (followed.LeadsIn > Term.Zero && !wasPaused && _options.Sees(LeaderIsHeard.Name))
        {
            LeaderIsHeard.Turned(process.Node.Name, _now() - followed.TurnedAt, process.ElectionTimeoutMicros);
        }
        if (wasPaused && _now() - followed.TurnedAt > 2 * process.ElectionTimeoutMicros)
        {
            // Twice: its clock may be slower than true time.
            _ready.MayBeBehind(process.Node.Id, LastApplied);
        }
        followed.TurnedAt = _now();
    }

    private void FollowReadiness(SimulatedProcess process)
    {
        var core = process.Core;
        if (core.Leader.IsNone)
        {
            _ready.MayBeBehind(process.Node.Id, LastApplied);
        }
        if (_options.Sees(ReadyHasCaughtUp.Name))
        {
            _ready.Turned(process.Node.Id, core.Status.Ready, core.AppliedIndex);
        }
    }

    private void FollowRole(SimulatedProcess process, Followed followed, NodeOutput output)
    {
        var core = process.Core;
        var leads = core.Role == RaftRole.Leader;
        followed.LedBefore = leads && followed.LeadsIn == core.Term;
        if (leads && followed.LeadsIn != core.Term)
        {
            followed.BeginsToLead = true;
            Bounds.BeginsToLead(process.Node.Number, process.Node.Clock, _now());
            if (_options.Sees(ElectionSafety.Name))
            {
                Elections.Leads(process.Node.Id, core.Term);
            }
        }
        followed.LeadsIn = leads ? core.Term : Term.Zero;
        if (!leads)
        {
            Bounds.CeasesToLead(process.Node.Number, _now());
        }
    }

    private void FollowWrite(SimulatedProcess process, Followed followed, PersistRequest request)
    {
        if (request.InstalledSnapshot is { } installed)
        {
            followed.Applied = installed.LastIndex;
        }
        var cut = followed.Log.Write(request);
        if (followed.LedBefore && _options.Sees(LeaderAppendOnly.Name))
        {
            LeaderAppendOnly.Wrote(process.Node.Id, followed.LeadsIn, cut);
        }
        for (var i = 0; i < request.Entries.Count; i++)
        {
            var entry = request.Entries[i];
            var before = entry.Index.Previous;
            var previous = i > 0 ? request.Entries[i - 1].Term
                : before == followed.Log.Start.Index ? followed.Log.Start.Term
                : followed.Log.At(before)!.Term;
            Appended(process.Node, entry, previous);
        }
    }

    private void Appended(SimulatedNode node, Entry entry, Term previous)
    {
        if (_options.Sees(LogMatching.Name))
        {
            Matching.Appended(node.Id, entry, previous);
        }
        if (entry.Kind == EntryKind.Configuration)
        {
            _durability.Appended(entry.Index, entry.Term, RaftCodec.ReadConfiguration(entry.Payload.Span));
        }
    }

    private void FollowVotes(NodeOutput output)
    {
        if (!_options.Sees(ElectionSafety.Name))
        {
            return;
        }
        foreach (var (_, message) in output.Sends)
        {
            switch (message)
            {
                case RaftPeerMessage { Message: VoteResponse { Granted: true } vote }:
                    Elections.Voted(vote.From, vote.Term, vote.To);
                    break;
                case RaftPeerMessage { Message: VoteRequest request }:
                    Elections.Voted(request.From, request.Term, request.From);
                    break;
                default:
                    break;
            }
        }
    }

    private void FollowApplied(SimulatedNode node, NodeCore core, Followed followed)
    {
        if (core.AppliedIndex <= followed.Applied)
        {
            return;
        }
        Entry? last = null;
        for (var index = followed.Applied.Next; index <= core.AppliedIndex; index = index.Next)
        {
            last = followed.Log.At(index);
            Violation.Unless(last is not null, StateMachineSafety.Name, () => $"{node.Name} applied entry {index}, which is not in its log");
            if (_options.Sees(StateMachineSafety.Name) ? States.Applied(node.Id, last!) : index > LastApplied)
            {
                LastApplied = index;
                Completeness.Committed(index, last!.Term, core.Term);
                if (last.Kind == EntryKind.Configuration)
                {
                    FollowConfiguration(last);
                }
                if (_options.NeedsReference)
                {
                    Reference.Apply(last);
                }
            }
            followed.SawExpiry |= Reference.IsExpiry(index);
        }
        followed.Applied = core.AppliedIndex;
        if (_options.Sees(Durability.Name))
        {
            _durability.Committed(core.AppliedIndex, last!.Term);
        }
    }

    private void FollowConfiguration(Entry entry)
    {
        var configuration = RaftCodec.ReadConfiguration(entry.Payload.Span);
        _durability.IsInForce(entry.Index, configuration);
        if (_options.Sees(ChangeAnswers.Name) && !entry.Request.IsNone)
        {
            _changes.Committed(entry.Request, configuration);
        }
    }

    private void FollowView(SimulatedNode node, Followed followed, StateView view)
    {
        if (_options.Sees(StateMachineSafety.Name))
        {
            States.State(node.Id, view.AppliedIndex, view.Hash);
            Reference.Compare(node.Name, view.AppliedIndex, view.Hash);
        }
        if (followed.SawExpiry && view.AppliedIndex == followed.Applied)
        {
            followed.SawExpiry = false;
            foreach (var name in Reference.Locks)
            {
                if (view.GetObject(name).LastLoss is { Reason: StateMachine.Outcomes.LossReason.Expired } loss && _options.Sees(LeasePromise.Name))
                {
                    Leases.SeenExpired(loss.Token.Value, _now());
                }
            }
        }
    }

    private sealed class Followed
    {
        public ObservedLog Log { get; } = new();

        public LogIndex Applied { get; set; }

        public StateView? View { get; set; }

        public Term LeadsIn { get; set; }

        public bool LedBefore { get; set; }

        /// <summary>True time of the last turn.</summary>
        public long TurnedAt { get; set; }

        public bool BeginsToLead { get; set; }

        public bool SawExpiry { get; set; }
    }
}

/// <summary>Which checkers look.</summary>
/// <param name="Only">Null: all of them.</param>
public sealed record WatchOptions(string? Only = null)
{
    public bool Sees(string checker) => Only is null || Only == checker;

    private static readonly string[] WithReference =
    [
        StateMachineSafety.Name, RetryOnce.Name, LeasePromise.Name, WatchOrder.Name, Answers.Name, Transactions.Name, HoldsFit.Name, LockDelays.Name, MaxHolds.Name,
        HandOvers.Name, FinalAnswers.Name, Withdrawals.Name, HoldEnds.Name, GrantOrder.Name, MultiLocks.Name, WaitingMultiLocks.Name,
        HoldersFit.Name, Places.Name, LeftHolds.Name,
        NewsTold.Name, SessionLives.Name, SessionPlaces.Name, Detachments.Name, PermitChanges.Name, SettingsInForce.Name,
    ];

    /// <summary>False where only others look: a mistake would stop the reference before they see it.</summary>
    public bool NeedsReference => Only is null || WithReference.Contains(Only);
}
