using System.CommandLine;
using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Cli.Status;

namespace Consensus.Cli.Commands;

/// <summary><c>status</c>: one row for each member, and what is wrong in words.</summary>
internal static class StatusCommand
{
    public static Command Create(CommandHost host)
    {
        var command = new Command("status", "Shows every member, and says what is wrong and what to do.");
        host.Bind(command, async (_, session) =>
        {
            var report = await ClusterSurvey.RunAsync(session.Options, session.Cancellation);
            var diagnosis = Diagnosis.Of(report);
            if (session.Format == OutputFormat.Json)
            {
                session.WriteJson(ToJson(report, diagnosis).ToJsonString());
            }
            else
            {
                Table(report).Write(session.Environment);
                foreach (var sentence in diagnosis.Sentences(report))
                {
                    await session.Environment.Output.WriteLineAsync(Plain.OneLine(sentence));
                }
            }
            return diagnosis.CanServe ? ExitCode.Done : ExitCode.Unreachable;
        });
        return command;
    }

    private static TextTable Table(ClusterReport report)
    {
        var table = new TextTable(
            "MEMBER", "ROLE", "TERM", "COMMIT", "APPLIED", "LAG", "HEALTH", "CONTACT", "ROUND TRIP", "REVISION", "LOG", "KEYS", "LEASES", "LOCKS", "VERSION");
        foreach (var member in report.Members)
        {
            // As the leader sees it, where its list was asked for.
            var health = member.Listed is { } listed ? MemberWords.Health(listed) : null;
            var contact = member.Listed is { } heard ? MemberWords.Contact(heard) : null;
            if (member.Status is { } status)
            {
                table.Add(
                    member.Name,
                    member.Role,
                    Plain.Number(status.Term),
                    Plain.Number(status.CommitIndex),
                    Plain.Number(status.AppliedIndex),
                    report.Lag(member) is { } lag ? Plain.Number(lag) : null,
                    health,
                    contact,
                    member.Listed is { } measured ? MemberWords.RoundTrip(measured) : null,
                    Plain.Number(status.Revision),
                    Plain.Bytes(status.LogBytes),
                    Plain.Number(status.Keys),
                    Plain.Number(status.Leases),
                    Plain.Number(status.Locks),
                    status.Version);
            }
            else
            {
                table.Add(member.Name, member.Role, null, null, null, null, health, contact, null, null, null, null, null, null, null);
            }
        }
        return table;
    }

    private static JsonObject ToJson(ClusterReport report, Diagnosis diagnosis)
    {
        var members = new JsonArray();
        foreach (var member in report.Members)
        {
            members.Add((JsonNode)new JsonObject
            {
                ["name"] = member.Name,
                ["clientUrl"] = member.Endpoint?.GetLeftPart(UriPartial.Authority),
                ["reachable"] = member.Status is not null,
                ["lag"] = report.Lag(member),
                ["status"] = member.StatusJson.Length > 0 ? JsonNode.Parse(member.StatusJson) : null,
            });
        }
        return new JsonObject { ["members"] = members, ["problems"] = Texts(diagnosis.Problems), ["notes"] = Texts(diagnosis.Notes) };
    }

    private static JsonArray Texts(IEnumerable<string> sentences)
    {
        var texts = new JsonArray();
        foreach (var sentence in sentences)
        {
            texts.Add((JsonNode)sentence);
        }
        return texts;
    }
}
