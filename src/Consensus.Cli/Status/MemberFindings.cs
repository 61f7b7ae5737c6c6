using System.Globalization;
using Consensus.Api.Cluster;

namespace Consensus.Cli.Status;

/// <summary>What is wrong with single members.</summary>
internal static class MemberFindings
{
    /// <summary>Entries behind from which a follower is called lagging; below it is what is on its way at any moment.</summary>
    private const long LaggingFrom = 1_000;

    public static IEnumerable<string> Of(ClusterReport report)
    {
        foreach (var silent in report.Members.Where(member => member.Status is null))
        {
            yield return Silent(report, silent);
        }
        foreach (var stranger in report.Members.Where(member => report.ClusterKnown && member is { Listed: null, Status: not null, IsWaiting: false }))
        {
            yield return $"{stranger.Name} at {stranger.Endpoint?.Authority} is no member of this cluster: leave it out of --endpoints.";
        }
        foreach (var member in report.Own)
        {
            foreach (var sentence in OfOne(report, member))
            {
                yield return sentence;
            }
        }
    }

    private static string Silent(ClusterReport report, MemberReport member)
    {
        var reason = member.Failure.TrimEnd('.');
        if (member.Listed is null)
        {
            var waiting = report.Joining.Where(name => !report.Members.Any(seen => seen.Name == name)).ToList();
            var perhaps = waiting.Count > 0 ? $"should that be {string.Join(" or ", waiting)}, which waits to be added, it serves clients in a few seconds; else " : "";
            return $"{reason}: {perhaps}start the member that serves clients there again (consensusd, with the options that it had), or look into its log.";
        }
        var what = $"{member.Name} does not answer ({reason})";
        // Of the leader the list is another member's: the leader itself is the one that does not answer.
        var who = member.Listed.Role == "leader" ? "another member" : "the leader";
        var start = $"start {member.Name} again (consensusd --name {member.Name}, on its data directory, with the options that it had)";
        return (IsHeard(member.Listed), report.WaitsForItsName(member.Name)) switch
        {
            (true, _) => $"{what}, though {who} hears it: it has just ended ({start}, and look into its log), it hangs, or its client address "
                + "cannot be reached from this machine (check --listen-client, --advertise-client and firewalls).",
            (false, true) => $"{what}, and {who} does not hear it either.",
            (false, false) => $"{what}, and {who} does not hear it either: {start}; its log says why it ended. If its process still runs, it hangs (kill -9 it first) "
                + "or its network is down. If its disk is gone, replace it (docs/membership.md).",
            (null, _) => $"{what}, and whether {who} hears it is not known: {start}, or look into its log.",
        };
    }

    /// <summary>One that is behind, or whose log stands still, answers all the same.</summary>
    private static bool? IsHeard(MemberAnswer listed) => listed.Health switch
    {
        "silent" => false,
        "behind" or "notAcknowledging" => true,
        _ => listed.Healthy,
    };

    private static IEnumerable<string> OfOne(ClusterReport report, MemberReport member)
    {
        if (member.Status is not { } status)
        {
            yield break;
        }
        if (report.Leader is not null && status.Role is "candidate" or "pre-candidate")
        {
            yield return $"{member.Name} does not hear {report.Leader.Name}, the leader, and stands for election in vain: check the network between their peer addresses "
                + $"({Peer(member)}, {Peer(report.Leader)}).";
        }
        else if (report.Leader is not null && status.Leader is null)
        {
            yield return $"{member.Name} knows of no leader: it has just started, or it is cut off from {report.Leader.Name}; check the network between their peer addresses.";
        }
        if (member.Listed?.Health is "notAcknowledging" or "silent" && report.Leader is not null && member != report.Leader)
        {
            yield return Unheard(report.Leader, member);
        }
        if (report.Lag(member) is >= LaggingFrom and var lag)
        {
            yield return Lagging(report, member, lag);
        }
        if (status.LastIndex - status.DurableIndex >= LaggingFrom)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{member.Name} waits for its disk: {status.LastIndex - status.DurableIndex:N0} entries are not flushed yet; the disk is slow or overloaded.");
        }
        foreach (var alarm in status.Alarms)
        {
            yield return $"{member.Name}: {alarm}{(alarm.EndsWith('.') ? "" : ".")}";
        }
    }

    private static string Unheard(MemberReport leader, MemberReport member) => member.Listed!.Health == "silent"
        ? $"{leader.Name}, the leader, gets no answer from {member.Name}{(MemberWords.Contact(member.Listed) is { } ago ? $" (the last {ago})" : "")}: "
            + $"check the network between their peer addresses ({Peer(leader)}, {Peer(member)})."
        : $"{member.Name} answers {leader.Name}, the leader, and its log stands still all the same: look at its disk and into its log.";

    private static string Lagging(ClusterReport report, MemberReport member, long lag)
    {
        var behind = string.Create(CultureInfo.InvariantCulture, $"{member.Name} is {lag:N0} entries behind");
        return report.Leader?.Status is { } leader && leader.FirstIndex > member.Status!.LastIndex + 1
            ? $"{behind}, more than the leader's log goes back: it is being sent a snapshot; if that does not end, look at its disk and network."
            : $"{behind}: it is catching up; if that does not shrink, look at its disk and network.";
    }

    private static string Peer(MemberReport member) => $"{member.Name} {member.Listed?.PeerUrl}".TrimEnd();
}
