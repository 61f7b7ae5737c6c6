using System.CommandLine;
using Consensus.Api.Elections;
using Consensus.Cli.LockRun;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>elect NAME --candidate X [-- CMD]</c>, <c>elect show NAME</c> and <c>elect observe NAME</c>.</summary>
internal static class ElectCommands
{
    public static Command Create(CommandHost host)
    {
        var name = Names.Argument("NAME", "The election. One called \"show\" or \"observe\" cannot be named here.");
        var candidate = Names.Option("--candidate", "X", "Who stands.");
        candidate.Required = true;
        var value = new Option<string?>("--value") { Description = "What is told to all once elected, such as an address.", HelpName = "VALUE" };
        var run = new RunOptions(ArgumentArity.ZeroOrMore);
        var command = new Command(
            "elect", "Stands for election; once elected runs a command, or leads until Ctrl-C, and then resigns.")
        {
            Show(host), Observe(host), name, candidate, value,
        };
        run.AddTo(command);
        host.Bind(
            command,
            (parsed, session) =>
            {
                var target = new ElectionTarget(parsed.GetRequiredValue(name), new CampaignOptions
                {
                    Owner = parsed.GetValue(candidate) ?? "",
                    Value = parsed.GetValue(value) ?? "",
                    Ttl = run.Ttl(parsed),
                    MaxHold = run.MaxHold(parsed),
                });
                return run.Words(parsed).Count > 0
                    ? run.RunCommandAsync(parsed, session, target)
                    : run.HoldAsync(parsed, session, target, () => Tell(session, target));
            },
            run.MistakeIn,
            hasOtherWork: true);
        return command;
    }

    private static void Tell(CommandSession session, ElectionTarget target)
    {
        if (target.Elected is { } elected)
        {
            session.Show(elected, answer => new TextTable("NAME", "LEADER", "VALUE", "TOKEN", "LEASE", "TTL", "WAITED").Add(
                answer.Name,
                answer.Leader,
                answer.Value,
                Plain.Number(answer.FencingToken),
                answer.Lease,
                Durations.Show(answer.TtlMs),
                Durations.Show(answer.WaitedMs)));
        }
    }

    private static Command Show(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var command = new Command("show", "Shows who leads, what the leader proclaims, and who waits to be elected.") { name };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.GetElectionAsync(parsed.GetRequiredValue(name), null, session.Cancellation),
            Describe), givesAnswers: true);
        return command;
    }

    private static Command Observe(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var command = new Command("observe", "Shows the leader, and each change of it as it comes.") { name };
        host.Bind(
            command,
            (parsed, session) =>
            {
                var leaders = new LeaderLines(session);
                return EventLoop.RunStateAsync(
                    session, () => session.Client.WatchElectionAsync(parsed.GetRequiredValue(name), null, session.Cancellation), leaders.Lines, leaders.Show);
            },
            endsWithItsReader: true);
        return command;
    }

    private static TextTable Describe(ElectionAnswer election)
    {
        var rows = new HoldRows(election.Name, "VALUE");
        if (election is { Leader: { } leader, FencingToken: { } token })
        {
            rows.AddHolder(leader, election.Value ?? "", token, election.Lease ?? "", election.ExpiresInMs ?? 0, election.Metadata, "leads");
        }
        rows.AddDelays(election.Delays, isFree: election.Leader is null);
        foreach (var candidate in election.Candidates)
        {
            rows.AddWaiter(candidate.Position, candidate.Candidate, null);
        }
        rows.AddMoreWaiters(election.CandidateCount - election.Candidates.Count);
        return rows.AddLoss(election.LastLoss);
    }
}
