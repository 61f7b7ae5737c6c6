using Consensus.Node.Core.Desks;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Wire;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>
/// Takes what the Raft core hands out, and gives it on: messages, what goes to the disk, a snapshot of the leader's, read indexes, and committed entries, which it applies one by one and
/// tells to whoever waits for them. How much a turn may apply is decided here and nowhere else.
/// </summary>
internal sealed class Applier(
    TurnContext turn, Desk[] desks, CommandDesk commands, ChangeDesk changes, ReadDesk reads, HashDesk hashes, Snapshots snapshots, PeerDirectory peers, PersistGate gate)
{
    /// <summary>Of the entry that is being applied.</summary>
    private readonly ApplyOutput _output = new();

    /// <summary>Takes the core's output until there is none, and applies what is committed for as long as the turn's budget lasts.</summary>
    public void DrainRaft()
    {
        var budget = new TurnBudget(turn.Options.TurnUnits);
        while (turn.Raft.HasOutput || (turn.Raft.HasCommitted && !budget.IsSpent))
        {
            var ready = turn.Raft.TakeReady(withCommitted: false);
            foreach (var message in ready.Messages)
            {
                turn.Send(message);
            }
            if (ready.Snapshot is not null)
            {
                Install(ready.Snapshot, ready.Sequence);
            }
            gate.Pass(ready);
            while (!budget.IsSpent && turn.Raft.TryTakeCommitted(out var entry))
            {
                var (objects, light) = Apply(entry);
                budget.Charge(entry, objects, light);
                snapshots.TakeWhenDue();
            }
            foreach (var read in ready.Reads)
            {
                reads.OnReadState(read);
            }
            if (ready.Reads.Count > 0)
            {
                // What was gathered meanwhile goes with this turn.
                reads.Send();
            }
        }
        turn.Out.AppliedUnits = budget.Charged;
    }

    /// <summary>
    /// Before the first turn: what the log knew to be committed. Nobody is kept waiting by it, since nobody knows yet that this member is there, and it leaves the first turns
    /// little to do.
    /// </summary>
    public void ApplyWhatWasCommitted()
    {
        while (turn.Raft.TryTakeCommitted(out var entry))
        {
            Apply(entry);
        }
    }

    private void Install(SnapshotMark mark, long sequence)
    {
        snapshots.Install(mark, sequence);
        foreach (var desk in desks)
        {
            desk.SnapshotInstalled(mark.LastTerm);
        }
        peers.NoticeRemoval();
    }

    /// <returns>How much work it was, as <see cref="ApplyOutput"/> counts it.</returns>
    private (long Objects, long Light) Apply(Entry entry)
    {
        Invariant.Require(entry.Index == turn.Applied.Index.Next, "entries are applied in order, each once");
        if (entry.Term > turn.Applied.Term)
        {
            turn.Applied.Term = entry.Term;
            foreach (var desk in desks)
            {
                desk.TermApplied(entry.Term);
            }
        }
        Invariant.Require(entry.FeatureLevel <= ReplicatedState.SupportedFeatureLevel, "a member applies only what it knows");
        turn.Applied.State.Apply(
            new LoggedEntry(entry.Index, entry.Stamp, entry.Kind == EntryKind.Command, entry.Request, entry.Principal, entry.Payload),
            _output);
        hashes.Record();
        if (entry.Kind == EntryKind.Configuration)
        {
            turn.Applied.Configuration = RaftCodec.ReadConfiguration(entry.Payload.Span);
            changes.OnApplied(entry);
            peers.NoticeRemoval();
        }
        snapshots.Count(entry.ApproximateSize);
        turn.StatusIsStale = true;
        foreach (var resolution in _output.Resolutions)
        {
            commands.Resolve(resolution);
        }
        var work = (_output.Objects, _output.Light);
        _output.Clear();
        return work;
    }
}
