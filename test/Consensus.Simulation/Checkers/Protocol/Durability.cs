using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Simulation.Checkers.Protocol;

/// <summary>
/// What is committed is on the disks of a majority, and what was on a disk is there after a restart: entries, term and vote. So nothing that was acknowledged can be
/// lost while a majority of disks lives.
/// </summary>
public sealed class Durability(IReadOnlyList<MemberId> voters)
{
    public const string Name = "durability";

    private readonly Dictionary<MemberId, ObservedLog> _disks = voters.ToDictionary(v => v, _ => new ObservedLog());
    private readonly Dictionary<MemberId, IReadOnlyList<PersistRequest>> _underWay = [];

    /// <summary>The member began to write this; until it is durable a crash leaves all of it or nothing.</summary>
    public void Begins(MemberId member, IReadOnlyList<PersistRequest> batch) => _underWay[member] = batch;

    public void Durable(MemberId member, IReadOnlyList<PersistRequest> batch)
    {
        _underWay.Remove(member);
        Write(_disks[member], batch);
    }

    /// <summary>Some member takes this entry, and everything before it, for committed.</summary>
    public void Committed(LogIndex index, Term term)
    {
        var holders = 0;
        foreach (var disk in _disks.Values)
        {
            holders += disk.Holds(index, term) ? 1 : 0;
        }
        Violation.Unless(holders > voters.Count / 2, Name, () =>
            $"entry {index} of term {term} counts as committed, but only {holders} of {voters.Count} disks hold it");
    }

    /// <summary>What a member found on its disk when it started.</summary>
    public void Recovered(MemberId member, HardState hardState, SnapshotMark? mark, IReadOnlyList<Entry> entries)
    {
        var found = new ObservedLog();
        found.Restart(hardState, mark, entries);
        var disk = _disks[member];
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
