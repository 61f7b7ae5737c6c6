using System.Collections.Immutable;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>
/// What is committed is on the disks of a majority of the configuration in force, of each of its halves while it is joint; and what was on a disk is there after a
/// restart: entries, term and vote. So nothing that was acknowledged can be lost while a majority of disks lives. A disk that was lost for good since counts for what it held: it was there when the entry was committed.
/// </summary>
/// <param name="initial">Its members' disks are empty at first.</param>
public sealed class Durability(Configuration initial)
{
    public const string Name = "durability";

    private readonly Dictionary<MemberId, ObservedLog> _disks = initial.Members.ToDictionary(m => m.Id, _ => new ObservedLog());
    private readonly Dictionary<MemberId, IReadOnlyList<PersistRequest>> _underWay = [];

    /// <summary>Those that are committed, by index.</summary>
    private readonly List<(LogIndex Index, Configuration Configuration)> _inForce = [(LogIndex.Zero, initial)];

    /// <summary>Those that any log held, newest last.</summary>
    private readonly List<(LogIndex Index, Term Term, Configuration Configuration)> _appended = [];

    /// <summary>The member began to write this; until it is durable a crash leaves all of it or nothing.</summary>
    public void Begins(MemberId member, IReadOnlyList<PersistRequest> batch) => _underWay[member] = batch;

    public void Durable(MemberId member, IReadOnlyList<PersistRequest> batch)
    {
        _underWay.Remove(member);
        Write(DiskOf(member), batch);
    }

    /// <summary>Some log holds this entry: from here on its leader counts by it.</summary>
    public void Appended(LogIndex index, Term term, Configuration configuration)
    {
        if (!_appended.Exists(known => known.Index == index && known.Term == term))
        {
            _appended.Add((index, term, configuration));
        }
    }

    /// <summary>This entry, a configuration, is the next of them to be committed.</summary>
    public void IsInForce(LogIndex index, Configuration configuration) => _inForce.Add((index, configuration));

    /// <summary>Some member takes this entry, and everything before it, for committed.</summary>
    public void Committed(LogIndex index, Term term)
    {
        var inForce = _inForce.FindLast(known => known.Index <= index).Configuration;
        if (IsHeldByMajority(inForce, index, term))
        {
            return;
        }
        // The leader that committed it may have counted by a configuration that it had appended since.
        var later = _appended.FindLast(known => known.Index > index && known.Term >= term && IsHeldByMajority(known.Configuration, index, term));
        Violation.Unless(later.Configuration is not null, Name, () =>
            $"entry {index} of term {term} counts as committed, but only {Holders(inForce.Voters, index, term)} of {inForce.Voters.Length} disks hold it{(inForce.IsJoint ? $", and {Holders(inForce.OutgoingVoters, index, term)} of the {inForce.OutgoingVoters.Length} outgoing" : "")}");
    }

    /// <summary>What a member found on its disk when it started.</summary>
    public void Recovered(MemberId member, HardState hardState, SnapshotMark? mark, IReadOnlyList<Entry> entries)
    {
        var found = new ObservedLog();
        found.Restart(hardState, mark, entries);
        var disk = DiskOf(member);
        var wrong = Differs(disk, found);
        if (wrong is not null && _underWay.TryGetValue(member, out var batch))
        {
            var whole = disk.Copy();
            Write(whole, batch);
            wrong = Differs(whole, found) is null ? null : wrong;
        }
        Violation.Unless(wrong is null, Name, () => $"{member} restarted with {wrong}");
        _underWay.Remove(member);
        _disks[member] = found;
    }

    private bool IsHeldByMajority(Configuration configuration, LogIndex index, Term term) =>
        Holders(configuration.Voters, index, term) > configuration.Voters.Length / 2
        && (!configuration.IsJoint || Holders(configuration.OutgoingVoters, index, term) > configuration.OutgoingVoters.Length / 2);

    private int Holders(ImmutableArray<MemberId> voters, LogIndex index, Term term)
    {
        var holders = 0;
        foreach (var voter in voters)
        {
            holders += _disks.TryGetValue(voter, out var disk) && disk.Holds(index, term) ? 1 : 0;
        }
        return holders;
    }

    private ObservedLog DiskOf(MemberId member)
    {
        if (!_disks.TryGetValue(member, out var disk))
        {
            // A new member's: empty.
            _disks.Add(member, disk = new ObservedLog());
        }
        return disk;
    }

    private static void Write(ObservedLog disk, IReadOnlyList<PersistRequest> batch)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            disk.Write(batch[i]);
        }
    }

    /// <summary>What of a disk's contents is missing or different; null when all of it was found.</summary>
    private static string? Differs(ObservedLog disk, ObservedLog found)
    {
        if (found.HardState != disk.HardState)
        {
            return $"term {found.HardState.Term} and a vote for {found.HardState.VotedFor}; on its disk were term {disk.HardState.Term} and a vote for {disk.HardState.VotedFor}";
        }
        if (found.LastIndex != disk.LastIndex)
        {
            return $"a log up to {found.LastIndex}; on its disk it went up to {disk.LastIndex}";
        }
        for (var index = LogIndex.Max(disk.Start.Index, found.Start.Index).Next; index <= disk.LastIndex; index = index.Next)
        {
            if (disk.At(index)!.Term != found.At(index)!.Term)
            {
                return $"entry {index} of term {found.At(index)!.Term}; on its disk it had term {disk.At(index)!.Term}";
            }
        }
        return null;
    }
}
