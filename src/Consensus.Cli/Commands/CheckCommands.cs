using System.CommandLine;
using System.Text.Json.Nodes;
using Consensus.Cli.Checks;
using Consensus.Cli.Output;

namespace Consensus.Cli.Commands;

/// <summary><c>check consistency</c>: whether all members are in the same state.</summary>
internal static class CheckCommands
{
    public static Command Create(CommandHost host) => new("check", "Checks of the whole cluster.") { Consistency(host) };

    private static Command Consistency(CommandHost host)
    {
        var command = new Command(
            "consistency",
            "Compares the hashes of all members' states at one log index, and names what differs where they do. 0: all equal, 1: they differ, 3: not all could be compared.");
        host.Bind(command, async (_, session) =>
        {
            using var progress = new ProgressLine(session.Environment);
            var report = await ConsistencyCheck.RunAsync(session.Options, progress, session.Cancellation);
            var differences = report.Differ ? await StateDifferences.FindAsync(session.Options, report, progress, session.Cancellation) : null;
            progress.Dispose();
            Show(session, report, differences);
            return report.Differ ? ExitCode.Refused : report.AllCompared ? ExitCode.Done : ExitCode.Unreachable;
        });
        return command;
    }

    /// <param name="differences">Null when there are none.</param>
    private static void Show(CommandSession session, ConsistencyReport report, StateDifferences? differences)
    {
        if (session.Format == OutputFormat.Json)
        {
            session.WriteJson(ToJson(report, differences).ToJsonString());
            return;
        }
        var table = new TextTable("MEMBER", "ROLE", "INDEX", "STATE HASH", "VERDICT");
        foreach (var member in report.Members)
        {
            table.Add(
                member.Member.Name,
                member.Member.Status?.Role ?? "unreachable",
                member.Hash is null ? null : Plain.Number(report.Index),
                member.Hash,
                report.Verdict(member));
        }
        table.Write(session.Environment);
        foreach (var sentence in report.Sentences().Concat(differences?.Sentences() ?? []))
        {
            session.Environment.Output.WriteLine(Plain.OneLine(sentence));
        }
    }

    private static JsonObject ToJson(ConsistencyReport report, StateDifferences? differences)
    {
        var members = new JsonArray();
        foreach (var member in report.Members)
        {
            members.Add((JsonNode)new JsonObject
            {
                ["name"] = member.Member.Name,
                ["clientUrl"] = member.Member.Endpoint?.GetLeftPart(UriPartial.Authority),
                ["stateHash"] = member.Hash,
                ["verdict"] = report.Verdict(member),
                ["failure"] = member.Hash is null ? member.Failure : null,
            });
        }
        var sentences = new JsonArray();
        foreach (var sentence in report.Sentences().Concat(differences?.Failures ?? []))
        {
            sentences.Add((JsonNode)sentence);
        }
        var tables = new JsonArray();
        foreach (var table in differences?.Tables ?? [])
        {
            tables.Add((JsonNode)table.ToJson());
        }
        return new JsonObject
        {
            ["index"] = report.Index,
            ["equal"] = report.Differ ? false : report.AllCompared ? true : null,
            ["members"] = members,
            ["comparedAt"] = differences?.Index,
            ["differences"] = tables,
            ["sentences"] = sentences,
        };
    }
}
