using System.Net;
using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Server.Options;
using Consensus.Transport.Formation;

namespace Consensus.Server.Hosting;

/// <summary>
/// What the options of one start say about addresses, held against what the data directory knows. <c>--initial-cluster</c> counts for an empty directory only; what a formed one
/// contradicts is told, not refused, because a directory is an identity and an address is not (rule 7).
/// </summary>
internal static class MemberAddresses
{
    /// <summary>For an empty directory.</summary>
    /// <exception cref="OptionsException">The options cannot be meant; one sentence.</exception>
    public static void CheckForFirstStart(NodeHostOptions options)
    {
        if (options.PeerAddresses.Count > 0)
        {
            throw new OptionsException("--peer-address says where members of a cluster are by now, and this data directory is empty: it belongs to none; give the directory of this member, or leave the option out");
        }
        if (options.InitialCluster is not { } list)
        {
            return;
        }
        try
        {
            ClusterFormation.Check([.. list.Select(peer => new InitialPeer(peer.Name, peer.Address))]);
        }
        catch (ArgumentException e)
        {
            throw new OptionsException(e.Message.TrimEnd('.'));
        }
        var own = list.FirstOrDefault(peer => peer.Name == options.Name);
        if (own == default)
        {
            throw new OptionsException($"--initial-cluster does not name this member, \"{options.Name}\"");
        }
        if (options.AdvertisePeer.Length > 0 && options.AdvertisePeer != own.Address)
        {
            throw new OptionsException(
                $"--initial-cluster gives this member, \"{options.Name}\", the address {own.Address}, but --advertise-peer is {options.AdvertisePeer}");
        }
    }

    /// <summary>For a formed directory: by id, where the operator says that other members are.</summary>
    /// <exception cref="OptionsException">A name that the directory does not know, or this member's own with another address than it advertises.</exception>
    public static IReadOnlyDictionary<MemberId, string> Resolve(NodeHostOptions options, string advertised, Configuration known)
    {
        var whereabouts = new Dictionary<MemberId, string>();
        foreach (var (name, address) in options.PeerAddresses)
        {
            if (name == options.Name)
            {
                if (address != advertised)
                {
                    throw new OptionsException(
                        $"--peer-address gives this member, \"{name}\", the address {address}, but it tells the others to dial {advertised} (--advertise-peer)");
                }
                continue;
            }
            if (known.Members.FirstOrDefault(member => member.Name == name) is not { } member)
            {
                var names = string.Join(", ", known.Members.Select(member => member.Name).Order(StringComparer.Ordinal));
                throw new OptionsException(
                    $"--peer-address names \"{name}\", whom this data directory does not know: {(names.Length > 0 ? $"its cluster has {names}" : "it waits to be added to its cluster")}");
            }
            whereabouts[member.Id] = address;
        }
        return whereabouts;
    }

    /// <summary>Sentences for the log of a start on a formed directory: what has changed, and what is not read.</summary>
    public static IEnumerable<string> Notices(NodeHostOptions options, string advertised, IPEndPoint listening, NodeCore core)
    {
        var known = core.Configuration;
        if (IPEndPoint.TryParse(advertised, out var told) && told.Address.Equals(listening.Address) && told.Port != listening.Port)
        {
            yield return $"{options.Name} listens for members on {listening}, but tells them to dial {advertised}: "
                + "if that does not lead here, give --advertise-peer, or leave --initial-cluster out";
        }
        var self = core.Status.Members.FirstOrDefault(member => member.IsSelf);
        if (self is not null && self.PeerAddress != advertised)
        {
            yield return $"{options.Name} has moved: it is at {advertised}, the cluster has it at {self.PeerAddress}; it tells every member that it reaches";
        }
        if (options.InitialCluster is { } list && !known.Members.IsEmpty)
        {
            var asked = Text(list);
            if (asked != Text(known.Members.Select(member => (member.Name, member.PeerAddress)))
                && asked != Text(core.Status.Members.Select(member => (member.Name, member.IsSelf ? advertised : member.PeerAddress))))
            {
                var now = Text(core.Status.Members.Select(member => (member.Name, member.PeerAddress)));
                yield return $"--initial-cluster {asked} is not read, for this data directory belongs to a cluster, with the members {now}; leave the option out";
            }
        }
    }

    private static string Text(IEnumerable<(string Name, string Address)> members) =>
        string.Join(',', members.Select(member => $"{member.Name}={member.Address}").Order(StringComparer.Ordinal));
}
