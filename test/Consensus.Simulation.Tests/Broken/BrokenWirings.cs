using System.Text;
using Consensus.Node;
using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Membership;
using Consensus.Raft.Wire;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>The loop hears that a batch is durable when the log's thread takes it, before it is flushed.</summary>
internal sealed class AcknowledgesBeforeFlush : Wiring
{
    public override void BatchTaken(SimulatedProcess process, List<PersistRequest> batch) => process.TellPersisted(batch);
}

/// <summary>A leader takes for committed what it sends, before a majority has it.</summary>
internal sealed class CommitsWithoutMajority : Wiring
{
    public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message) =>
        base.Send(process, to, message is RaftPeerMessage { Message: AppendRequest { Entries.Count: > 0 } append }
            ? new RaftPeerMessage(append with { Commit = append.Entries[^1].Index })
            : message);
}

/// <summary>
/// A leader counts entries of earlier terms (Raft figure 8): what a majority holds is committed, whichever term it is of, and every member that is known to hold it is told
/// at once.
/// </summary>
internal sealed class CountsOldTermEntries : Wiring
{
    private readonly Dictionary<(Term Term, MemberId Member), LogIndex> _matches = [];

    public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message)
    {
        switch (message)
        {
            case RaftPeerMessage { Message: AppendResponse { Success: true } response }:
                var key = (response.Term, response.From);
                _matches[key] = LogIndex.Max(_matches.GetValueOrDefault(key), response.MatchIndex);
                break;
            case RaftPeerMessage { Message: AppendRequest { Entries.Count: > 0 } request }:
                var told = new HeartbeatRequest(request.From, to, request.Term, LogIndex.Max(request.Commit, Told(process, to, request.Term)), request.Clock, 0);
                base.Send(process, to, new RaftPeerMessage(told));
                break;
            case RaftPeerMessage { Message: HeartbeatRequest request }:
                message = new RaftPeerMessage(request with { Commit = LogIndex.Max(request.Commit, Told(process, to, request.Term)) });
                break;
            default:
                break;
        }
        return base.Send(process, to, message);
    }

    private LogIndex Told(SimulatedProcess leader, MemberId to, Term term) =>
        LogIndex.Min(Counted(leader, term), _matches.GetValueOrDefault((term, to)));

    private LogIndex Counted(SimulatedProcess leader, Term term)
    {
        var status = leader.Core.Status;
        var held = status.Members.Select(member => member.Id == status.Self ? status.DurableIndex : _matches.GetValueOrDefault((term, member.Id)))
            .OrderDescending()
            .ToList();
        return held[held.Count / 2];
    }
}

/// <summary>The vote does not get to the disk with its term: a restart keeps the term and forgets the vote.</summary>
internal sealed class ForgetsItsVote : Wiring
{
    public override void BatchTaken(SimulatedProcess process, List<PersistRequest> batch)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch[i].HardState is { } hardState)
            {
                batch[i] = batch[i] with { HardState = hardState with { VotedFor = MemberId.None } };
            }
        }
    }
}

/// <summary>A linearizable read is answered from what is there.</summary>
internal sealed class ReadsWithoutReadIndex : Wiring
{
    public override bool ReadsAskForAnIndex => false;
}

/// <summary>
/// Every process counts what it asks from 1, and nobody tells the processes of a member apart: an answer that was meant for the one before is taken for the answer to what was asked
/// under the same number.
/// </summary>
internal sealed class TakesAnswersForTheProcessBefore : Wiring
{
    private const long Anybody = 1;

    public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message) =>
        base.Send(process, to, message is RaftPeerMessage { Message: ReadIndexRequest request }
            ? new RaftPeerMessage(request with { Boot = Anybody, Context = request.Context - new CounterStarts(process.Boot).Reads })
            : message);

    public override PeerMessage Arrives(SimulatedProcess process, PeerMessage message) =>
        message is RaftPeerMessage { Message: ReadIndexResponse response }
            ? new RaftPeerMessage(response with { Boot = process.Boot, Context = response.Context + new CounterStarts(process.Boot).Reads })
            : message;

    public override long BootAtLinkUp(SimulatedProcess process, long boot) => Anybody;
}

/// <summary>A follower's cluster time runs ahead of its leader's: when it leads, every lease is that much shorter.</summary>
internal sealed class ShortensLeasesAtFailover : Wiring
{
    private const long AheadMicros = 3_000_000;

    public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message) => base.Send(process, to, message switch
    {
        RaftPeerMessage { Message: AppendRequest request } => new RaftPeerMessage(request with { Clock = request.Clock.PlusMicros(AheadMicros) }),
        RaftPeerMessage { Message: HeartbeatRequest request } => new RaftPeerMessage(request with { Clock = request.Clock.PlusMicros(AheadMicros) }),
        _ => message,
    });
}

/// <summary>Fencing tokens come from a counter of the process, which begins again with it.</summary>
internal sealed class CountsTokensInMemory : Wiring
{
    private readonly Dictionary<long, long> _counters = [];

    public override CommandAnswer Answers(SimulatedProcess process, CommandAnswer answer)
    {
        if (answer.Outcome is not HoldGranted granted)
        {
            return answer;
        }
        var token = _counters[process.Boot] = _counters.GetValueOrDefault(process.Boot) + 1;
        return answer with { Outcome = granted with { Hold = granted.Hold with { Token = new FencingToken(token) } } };
    }
}

/// <summary>A request's identity is lost on its way in: sent again, it is done again.</summary>
internal sealed class ForgetsIdentities : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) => new(envelope.Command);
}

/// <summary>Only effects are kept under an identity.</summary>
internal sealed class ForgetsRefusals : Wiring
{
    public override Limits LimitsOf(Limits planned) => planned with { MaxBriefAnswers = 0 };
}

/// <summary>A fence that is passed with the token that is the highest already keeps nothing under its identity.</summary>
internal sealed class ForgetsPassesThatChangeNothing : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        envelope.Command is FenceCommand fence && process.Core.View.GetFence(fence.Resource) == fence.Token ? new(fence) : envelope;
}

/// <summary>A request that no member has seen is withdrawn without a word in the log.</summary>
internal sealed class ForgetsWhatNeverArrived : Wiring
{
    private readonly HashSet<Key> _arrived = [];

    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        _arrived.Add(new Key(envelope.IdempotencyKey.Span));
        return envelope.Command is WithdrawCommand withdraw && !_arrived.Contains(withdraw.IdempotencyKey)
            ? envelope with { Command = new WithdrawCommand(Key.FromText("nobody's")) }
            : envelope;
    }
}

/// <summary>A withdrawal is answered, and not done.</summary>
internal sealed class GivesNothingBack : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        envelope.Command is WithdrawCommand ? envelope with { Command = new WithdrawCommand(Key.FromText("nobody's")) } : envelope;
}

/// <summary>What the client of a session acknowledged is as new when it comes again.</summary>
internal sealed class TakesWhatIsAcknowledged : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        process.Core.View.GetSession(envelope.Session.Session) is { } session && envelope.Session.Number <= session.Acked ? new(envelope.Command) : envelope;
}

/// <summary>A settlement of a number that no member has seen says that it was not done, and fences another one, which nobody uses for long.</summary>
internal sealed class SettlesByLooking : Wiring
{
    private const long FarAhead = 900;

    private readonly HashSet<(LeaseId, long)> _arrived = [];

    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        _arrived.Add((envelope.Session.Session, envelope.Session.Number));
        return envelope.Command is SettleCommand settle && !_arrived.Contains((settle.Session, settle.Number))
            ? envelope with { Command = settle with { Number = settle.Number + FarAhead } }
            : envelope;
    }
}

/// <summary>A new leader renews every lease that it finds.</summary>
internal sealed class ResetsLeasesAtFailover : Wiring
{
    private readonly HashSet<Term> _led = [];

    public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message)
    {
        if (message is RaftPeerMessage { Message: AppendRequest request } && _led.Add(request.Term))
        {
            foreach (var hold in new[] { "l0", "l1" }.Select(name => process.Core.View.GetObject(Key.FromText(name)).Holder).OfType<Hold>())
            {
                process.Execute(new CommandEnvelope(new RenewHoldCommand(hold.Name, hold.Token)), static _ => { });
            }
        }
        return base.Send(process, to, message);
    }
}

/// <summary>A member begins each watch with what comes next, wherever its client wants to go on.</summary>
internal sealed class GoesOnWithWhatIsNew : Wiring
{
    public override Revision WatchBegins(SimulatedProcess process, Revision from, StateView view) => view.Revision.Next;
}

/// <summary>The member that is asked judges what a transaction compares, on the state that it has, and logs what comes of it.</summary>
internal sealed class JudgesComparesBeforeTheLog : Wiring
{
    /// <summary>It never holds: there is no such key.</summary>
    private static readonly TxnCompare Never = new(CompareTarget.Exists, CompareOperator.Equal, Key.FromText("none"), 1);

    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope)
    {
        if (envelope.Command is not TxnCommand txn)
        {
            return envelope;
        }
        var view = process.Core.View;
        var holds = txn.Compares.All(compare => TransactionModel.Holds(compare, view.GetKey(compare.Name), view));
        return envelope with { Command = txn with { Compares = holds ? [] : [Never] } };
    }
}

/// <summary>What is asked of a hold beside its lease does not get into the log.</summary>
internal sealed class ForgetsTerms : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) => envelope.Command switch
    {
        AcquireCommand one => envelope with { Command = one with { LockDelayMicros = 0, MaxHoldMicros = 0 } },
        AcquireManyCommand many => envelope with { Command = many with { LockDelayMicros = 0, MaxHoldMicros = 0 } },
        _ => envelope,
    };
}

/// <summary>As above, of what several may hold at once.</summary>
internal sealed class ForgetsSharedDelays : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        envelope.Command is AcquireCommand ask && (ask.Space == HoldSpace.Semaphore || ask.Mode == LockMode.Shared)
            ? envelope with { Command = ask with { LockDelayMicros = 0 } }
            : envelope;
}

/// <summary>A hand-over goes to the first in line, whoever is named.</summary>
internal sealed class HandsOverToTheNext : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        envelope.Command is HandOverCommand over && process.Core.View.GetObject(over.Object).Waiters is [var next, ..]
            ? envelope with { Command = over with { To = next.Owner } }
            : envelope;
}

/// <summary>Of several locks only the first gets into the log.</summary>
internal sealed class AsksForTheFirstOnly : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        envelope.Command is AcquireManyCommand many ? envelope with { Command = many with { Names = [many.Names[0]] } } : envelope;
}

/// <summary>Several locks are waited for only where somebody has one: where one is free, newcomers pass.</summary>
internal sealed class StandsInLineWhereItIsHeldAlone : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        envelope.Command is AcquireManyCommand { WaitMicros: > 0 } many
        && many.Names.Where(name => process.Core.View.GetObject(name).Holder is not null).ToList() is { Count: > 0 } held
            ? envelope with { Command = many with { Names = [.. held] } }
            : envelope;
}

/// <summary>Who waits under a lease for something takes the place that the lease has there already, whoever got it.</summary>
internal sealed class AttachesByLease : Wiring
{
    public override CommandEnvelope Taken(SimulatedProcess process, CommandEnvelope envelope) =>
        envelope.Command is AcquireCommand { SharedLease.IsNone: false, WaitMicros: > 0 } ask
            ? new CommandEnvelope(ask, Encoding.ASCII.GetBytes($"{ask.SharedLease} {ask.Object}"), new byte[16])
            : envelope;
}

/// <summary>Members of an even number get commands of which it is not said whose they are.</summary>
internal sealed class ChangesEntriesOnTheirWay : Wiring
{
    public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message) =>
        base.Send(process, to, message is RaftPeerMessage { Message: AppendRequest { Entries.Count: > 0 } append } && to.Value % 2 == 0
            ? new RaftPeerMessage(append with { Entries = [.. append.Entries.Select(Nobodys)] })
            : message);

    private static Entry Nobodys(Entry entry) => new()
    {
        Term = entry.Term,
        Index = entry.Index,
        Kind = entry.Kind,
        Stamp = entry.Stamp,
        Principal = entry.Principal,
        FeatureLevel = entry.FeatureLevel,
        Payload = entry.Payload,
    };
}

/// <summary>No vote leaves its voter.</summary>
internal sealed class KeepsVotesBack : Wiring
{
    public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message) =>
        message is RaftPeerMessage { Message: VoteResponse } || base.Send(process, to, message);
}

/// <summary>A member that sends a change to its leader takes it for refused at once.</summary>
internal sealed class RefusesChangesThatAreMade : Wiring
{
    public override bool Send(SimulatedProcess process, MemberId to, PeerMessage message)
    {
        if (message is ForwardChange forward)
        {
            var refused = new ChangeAnswer(ChangeVerdict.ChangeInProgress);
            process.Post(new PeerMessageInput(to, new ChangeRefused(forward.Term, forward.Boot, forward.Sequence, refused)));
        }
        return base.Send(process, to, message);
    }
}

/// <summary>What the disk throws under a snapshot that comes goes through to the transport's thread.</summary>
internal sealed class ReceivesUnguarded : Wiring
{
    public override ISnapshotArrival? Arriving(SimulatedProcess process, MemberId from, byte[] header, long lengthBytes, out SnapshotRejection? rejection)
    {
        var request = (InstallSnapshotRequest)RaftCodec.ReadMessage(header)!;
        rejection = SnapshotAdmission.Judge(process.Core.Status, request);
        return rejection is null ? new Unguarded(process, request, process.Snapshots.Receive(request.Mark, lengthBytes)) : null;
    }

    private sealed class Unguarded(SimulatedProcess process, InstallSnapshotRequest request, IIncomingSnapshot incoming) : ISnapshotArrival
    {
        public long TakenBytes => incoming.TakenBytes;

        public SnapshotRejection? Write(ReadOnlySpan<byte> chunk)
        {
            incoming.Write(chunk);
            return null;
        }

        public SnapshotRejection? Complete()
        {
            var file = incoming.Complete();
            using var reader = process.Snapshots.Open(file.Mark);
            process.Post(new SnapshotArrivedInput(request, file, ReplicatedState.Restore(Limits.Default, reader)));
            return null;
        }

        public void Dispose() => incoming.Dispose();
    }
}

/// <summary>What the disk throws under a snapshot that goes comes through to the transport's thread.</summary>
internal sealed class SendsUnguarded : Wiring
{
    public override Exception? ReadOutgoing(Stream content, Span<byte> into)
    {
        content.ReadExactly(into);
        return null;
    }
}

/// <summary>The member is not given the budget of its log.</summary>
internal sealed class ForgetsNoLog : Wiring
{
    public override NodeCoreOptions OptionsOf(NodeCoreOptions planned) =>
        planned with { Raft = planned.Raft with { MaxLogBytes = long.MaxValue, TrailingBytes = long.MaxValue } };
}

/// <summary>A turn applies everything that is committed, and a member that starts does not know what was.</summary>
internal sealed class TurnsWithoutLimit : Wiring
{
    public override NodeCoreOptions OptionsOf(NodeCoreOptions planned) => planned with { TurnUnits = long.MaxValue };

    public override RecoveredLog BeforeCore(SimulatedNode node, RecoveredLog recovered) =>
        recovered with { Commit = recovered.Snapshot?.LastIndex ?? LogIndex.Zero };
}

/// <summary>The log is forgotten up to what is applied, whoever is being sent a snapshot of before.</summary>
internal sealed class KeepsNoLogForWhoCatchesUp : Wiring
{
    public override NodeCoreOptions OptionsOf(NodeCoreOptions planned) => planned with { Raft = planned.Raft with { MaxLogBytes = 1 } };
}
