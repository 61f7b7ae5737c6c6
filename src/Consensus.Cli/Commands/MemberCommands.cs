using System.CommandLine;
using Consensus.Api.Cluster;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Cli.Status;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>members list/add/promote/remove</c> and <c>leader show/transfer</c>.</summary>
internal static class MemberCommands
{
    private const string Silent = "silent";

    public static Command CreateMembers(CommandHost host) => new("members", "Who belongs to the cluster, and changes of that, one at a time.")
    {
        List(host),
        Add(host),
        Promote(host),
        Remove(host),
    };

    public static Command CreateLeader(CommandHost host)
    {
        var command = new Command("leader", "Who leads; hands leadership over.") { Show(host), Transfer(host) };
        host.Bind(command, (_, session) => ShowLeaderAsync(session), givesAnswers: true);
        return command;
    }

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the members, and who waits to be added.");
        host.Bind(command, async (_, session) =>
        {
            var result = await session.Client.GetClusterAsync(session.Cancellation);
            return session.Show(result, Table);
        }, givesAnswers: true);
        return command;
    }

    private static Command Add(CommandHost host)
    {
        var name = Names.Argument("JOINER", "The name of a process that was started with --join.");
        var voter = new Option<bool>("--voter") { Description = "It votes at once, before it has caught up: less safe than adding and promoting." };
        var command = new Command("add", "Adds a waiting process as a learner: it receives the log and does not count yet.") { name, voter };
        host.Bind(command, async (parsed, session) =>
        {
            var result = await session.Client.AddMemberAsync(parsed.GetRequiredValue(name), parsed.GetValue(voter), session.Cancellation);
            if (result is { Succeeded: true, Value.Health: "unknown" } && await IsDeadAsync(session, result.Value.Id))
            {
                return session.Fail(new ApiProblem(ApiFailureKind.Refused, 0, "", DeadAlready(result.Value.Name)));
            }
            return session.Show(result, member => Rows().Add(Row(member)));
        }, givesAnswers: true);
        return command;
    }

    /// <summary>Whether the leader gets no answer from this member. A member that does not lead cannot know it, and takes an addition of who is a member already for done.</summary>
    private static async Task<bool> IsDeadAsync(CommandSession session, string id)
    {
        var seen = await session.Client.GetClusterAsync(session.Cancellation);
        if (seen.Value?.Members?.FirstOrDefault(member => member.Name == seen.Value.Leader) is not { Self: false } leader
            || LearnedEndpoint.Of(leader.ClientUrl, session.Options, out _) is not { } endpoint)
        {
            return seen.Value?.Members?.Any(member => member.Id == id && member.Health == Silent) == true;
        }
        using var client = new ConsensusApiClient(session.Options with { Endpoints = [endpoint], SendsOnCallingThread = true });
        var list = await client.GetClusterAsync(session.Cancellation);
        return list.Value?.Members?.Any(member => member.Id == id && member.Health == Silent) == true;
    }

    private static string DeadAlready(string name) =>
        $"{name} is a member already, and does not answer the leader: nothing was added; start consensusd --name {name} on its data directory again, or, if that is lost, "
            + $"remove it (consensusctl members remove {name}) and then add the new one.";

    private static Command Promote(CommandHost host)
    {
        var member = Names.Argument("MEMBER", "Name or id of a learner.");
        var replaces = Names.Option("--replaces", "MEMBER", "Name or id of a voter that leaves in the same step.");
        var command = new Command("promote", "Makes a learner that has caught up a voter.") { member, replaces };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.PromoteMemberAsync(parsed.GetRequiredValue(member), parsed.GetValue(replaces), session.Cancellation),
            promoted => Rows().Add(Row(promoted))), givesAnswers: true);
        return command;
    }

    private static Command Remove(CommandHost host)
    {
        var member = Names.Argument("MEMBER", "Name or id.");
        var command = new Command("remove", "Removes a member for ever; its data directory is of no more use.") { member };
        host.Bind(command, (parsed, session) => RemoveAsync(session, parsed.GetRequiredValue(member)), givesAnswers: true);
        return command;
    }

    /// <summary>By its id: should the answer get lost, the retry finds it removed, where its name would be nobody's any more.</summary>
    private static async Task<int> RemoveAsync(CommandSession session, string asked)
    {
        var (id, problem) = await ResolveAsync(session, asked);
        if (problem is not null)
        {
            return session.Fail(problem);
        }
        var result = await session.Client.RemoveMemberAsync(id, session.Cancellation);
        if (result is { Succeeded: true, Value.Name: null } && id != asked)
        {
            // Removed before: by an attempt whose answer was lost, or long ago, and the list was that of a member that lagged. It does not lag now.
            var (present, unknown) = await ResolveAsync(session, asked);
            if (unknown is null && present != asked && present != id)
            {
                result = await session.Client.RemoveMemberAsync(present, session.Cancellation);
            }
        }
        return session.Show(result, removed => new TextTable("REMOVED", "ID").Add(removed.Name ?? asked, removed.Id));
    }

    /// <summary>The id of a member by its name; what is no member's name is taken for an id.</summary>
    private static async Task<(string Id, ApiProblem? Problem)> ResolveAsync(CommandSession session, string nameOrId)
    {
        var cluster = await session.Client.GetClusterAsync(session.Cancellation);
        return cluster.Succeeded
            ? (cluster.Value.Members?.FirstOrDefault(present => present.Name == nameOrId)?.Id ?? nameOrId, null)
            : (nameOrId, cluster.Problem);
    }

    private static Command Show(CommandHost host)
    {
        var command = new Command("show", "Shows who leads.");
        host.Bind(command, (_, session) => ShowLeaderAsync(session), givesAnswers: true);
        return command;
    }

    private static Command Transfer(CommandHost host)
    {
        var name = Names.OptionalArgument("MEMBER", "A voter; without it the one whose log is furthest.");
        var command = new Command("transfer", "Hands leadership to a voter.") { name };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.TransferLeadershipAsync(parsed.GetValue(name), session.Cancellation),
            transferred => new TextTable("LEADER", "TERM").Add(transferred.Leader, Plain.Number(transferred.Term))), givesAnswers: true);
        return command;
    }

    private static async Task<int> ShowLeaderAsync(CommandSession session)
    {
        var result = await session.Client.GetClusterAsync(session.Cancellation);
        if (result.Succeeded && result.Value.Leader is null)
        {
            session.Environment.Error.WriteLine("consensusctl: no leader is known.");
            return ExitCode.Unreachable;
        }
        return session.Show(result, cluster => new TextTable("LEADER", "TERM", "CLIENT", "CLUSTER").Add(
            cluster.Leader!,
            Plain.Number(cluster.Term),
            cluster.Members.FirstOrDefault(member => member.Name == cluster.Leader)?.ClientUrl ?? "",
            cluster.ClusterId));
    }

    private static TextTable Rows() => new("MEMBER", "ID", "ROLE", "HEALTH", "CONTACT", "ROUND TRIP", "MATCH", "CLIENT", "PEER");

    private static TextTable Table(ClusterAnswer cluster)
    {
        var table = Rows();
        foreach (var member in cluster.Members ?? [])
        {
            table.Add(Row(member));
        }
        foreach (var waiting in cluster.Joining ?? [])
        {
            var isTaken = cluster.Members?.Any(member => member.Name == waiting.Name) == true;
            table.Add(waiting.Name, waiting.Id, isTaken ? "waits for its name" : "waits to be added", null, null, null, null, null, waiting.PeerUrl);
        }
        return table;
    }

    private static string?[] Row(MemberAnswer member) =>
    [
        member.Name,
        member.Id,
        member.Role,
        MemberWords.Health(member),
        MemberWords.Contact(member),
        MemberWords.RoundTrip(member),
        member.MatchIndex is { } match ? Plain.Number(match) : null,
        member.ClientUrl,
        member.PeerUrl,
    ];
}
