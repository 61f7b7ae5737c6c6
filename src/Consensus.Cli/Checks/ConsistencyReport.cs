using System.Globalization;
using Consensus.Cli.Status;

namespace Consensus.Cli.Checks;

/// <summary>One member's hash of its state at the index that all were asked about; null, with a sentence why, where there is none.</summary>
internal sealed record MemberHash(MemberReport Member, string? Hash, string Failure);

/// <summary>Whether the members are in the same state at one index, and what to do where they are not.</summary>
internal sealed record ConsistencyReport(long Index, IReadOnlyList<MemberHash> Members)
{
    /// <summary>What more than half of the members that told a hash agree on; null when no hash has that many.</summary>
    public string? MajorityHash => Told
        .GroupBy(member => member.Hash)
        .Where(group => group.Count() * 2 > Told.Count())
        .Select(group => group.Key)
        .SingleOrDefault();

    public bool Differ => Told.Select(member => member.Hash).Distinct().Count() > 1;

    public bool AllCompared => Members.Count > 0 && Members.All(member => member.Hash is not null);

    private IEnumerable<MemberHash> Told => Members.Where(member => member.Hash is not null);

    /// <summary>A word for each member's row.</summary>
    public string Verdict(MemberHash member) => member.Hash is null ? "not compared"
        : !Differ ? "equal"
        : member.Hash == MajorityHash ? "as the majority"
        : "DIFFERS";

    /// <summary>What was found, and what to do.</summary>
    public IEnumerable<string> Sentences()
    {
        foreach (var silent in Members.Where(member => member.Hash is null))
        {
            yield return $"{silent.Member.Name} was not compared ({silent.Failure.TrimEnd('.')}): check again once it answers.";
        }
        if (Differ)
        {
            foreach (var sentence in WhatToDo())
            {
                yield return sentence;
            }
        }
        else if (Members.Count == 1 && AllCompared)
        {
            yield return $"{Members[0].Member.Name} is the only member: there is nothing to compare it with.";
        }
        else if (Told.Count() > 1)
        {
            yield return AllCompared
                ? string.Create(CultureInfo.InvariantCulture, $"All {Members.Count} members are in the same state at index {Index}.")
                : string.Create(CultureInfo.InvariantCulture, $"The {Told.Count()} that were compared are in the same state at index {Index}.");
        }
    }

    /// <summary>Where a process that is to take this member's place finds the others.</summary>
    private string Another(MemberHash odd) => Members
        .Where(member => member != odd && member.Hash == MajorityHash)
        .Select(member => member.Member.Listed?.PeerUrl)
        .FirstOrDefault(peer => peer is { Length: > 0 }) ?? "HOST:PORT";

    private IEnumerable<string> WhatToDo()
    {
        const string Report = "Keep its data directory and report it: members that applied the same log are never in different states unless memory, disk or the program is at fault.";
        if (MajorityHash is not { } majority)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"The members are in different states at index {Index}, and no state has a majority: nobody can tell which is right. Stop the clients, save "
                + $"\"consensusctl --endpoints MEMBER snapshot save --stale FILE\" from each member, "
                + $"keep every data directory, and restore the backup that you trust (docs/operations.md).");
            yield break;
        }
        foreach (var odd in Told.Where(member => member.Hash != majority))
        {
            var name = odd.Member.Name;
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{name} is in another state than the majority at index {Index}: what it answers cannot be trusted. {Report}");
            yield return odd.Member.Status?.Role == "leader"
                ? $"{name} leads: first \"consensusctl leader transfer\" to another member, then replace it as below."
                : $"{name} does not lead: writes are still judged by the majority, but its reads may be wrong until it is replaced.";
            yield return $"To replace it: stop {name}, \"consensusctl members remove {name}\", "
                + $"start consensusd --name {name} on an empty directory, with the addresses that it had and --join {Another(odd)}, "
                + $"\"consensusctl members add {name}\", and once it is ready \"consensusctl members promote {name}\".";
        }
    }
}
