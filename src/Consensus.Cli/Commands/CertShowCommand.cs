using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Security.Certificates;

namespace Consensus.Cli.Commands;

/// <summary><c>cert show</c>: for whom certificates are, until when, and what is wrong, in a file or presented at an address.</summary>
internal static class CertShowCommand
{
    public static Command Create(CommandHost host)
    {
        var source = Names.Argument("FILE", "A bundle, a file of CA certificates, or HOST:PORT: then what is presented there.");
        var command = new Command("show", "Says for whom certificates are, until when, of which CA, and what is wrong.") { source };
        host.BindLocal(command, (parsed, format) => CertCommands.Guarded(host.Environment, () =>
        {
            var text = parsed.GetRequiredValue(source);
            var now = host.Environment.Clock.GetUtcNow();
            if (File.Exists(text) || Directory.Exists(text) || !TryReadAddress(text, out var name, out var port))
            {
                return Show(host.Environment, format, CertificateReport.OfFile(text, now), now);
            }
            var seen = CertProbe.Look(text, name, port, now);
            if (seen.Presented is null)
            {
                host.Environment.Error.WriteLine($"consensusctl: {Plain.OneLine(seen.Failure)}.");
                return seen.WasReached ? ExitCode.Refused : ExitCode.Unreachable;
            }
            return Show(host.Environment, format, seen.Presented, now);
        }));
        return command;
    }

    /// <summary>A host and a port; an IPv6 address stands in brackets.</summary>
    private static bool TryReadAddress(string text, out string host, out int port)
    {
        var border = text.LastIndexOf(':');
        host = border > 0 ? text[..border] : "";
        port = 0;
        var isHost = host.Length > 0 && !host.Contains('/') && !host.Contains(':');
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            isHost = IPAddress.TryParse(host, out _);
        }
        return isHost && int.TryParse(text.AsSpan(border + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && port is > 0 and < 65_536;
    }

    private static int Show(CliEnvironment environment, OutputFormat format, CertificateReport report, DateTimeOffset now)
    {
        if (format == OutputFormat.Json)
        {
            environment.Output.WriteLine(ToJson(report, now).ToJsonString());
        }
        else
        {
            var table = new TextTable("KIND", "NAME", "DOMAIN", "FROM", "UNTIL", "DAYS LEFT", "ISSUER", "HOSTS");
            foreach (var facts in report.Certificates)
            {
                table.Add(
                    facts.Kind,
                    facts.Name ?? facts.Subject,
                    facts.Domain,
                    CertCommands.Day(facts.NotBefore),
                    CertCommands.Day(facts.NotAfter),
                    Plain.Number(DaysLeft(facts, now)),
                    facts.Issuer,
                    string.Join(", ", facts.Hosts));
            }
            table.Write(environment);
            foreach (var sentence in report.Wrong)
            {
                environment.Output.WriteLine($"Wrong: {Plain.OneLine(sentence)}.");
            }
        }
        return report.Wrong.Count == 0 ? ExitCode.Done : ExitCode.Refused;
    }

    private static long DaysLeft(CertificateFacts facts, DateTimeOffset now) => (long)Math.Floor((facts.NotAfter - now).TotalDays);

    private static JsonObject ToJson(CertificateReport report, DateTimeOffset now) => new()
    {
        ["certificates"] = new JsonArray([.. report.Certificates.Select(facts =>
        {
            var shown = CertCommands.ToJson(facts);
            shown["daysLeft"] = DaysLeft(facts, now);
            return (JsonNode)shown;
        })]),
        ["wrong"] = CertCommands.Texts(report.Wrong),
    };
}
