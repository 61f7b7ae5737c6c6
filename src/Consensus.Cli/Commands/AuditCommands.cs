using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Security.Audit;

namespace Consensus.Cli.Commands;

/// <summary><c>audit verify/show</c>: the audit log of a member, looked at without a member.</summary>
internal static class AuditCommands
{
    private const string Files = "Files of one member's audit log in any order, or the directory that they lie in.";

    public static Command Create(CommandHost host) => new("audit", "The audit log of a member: is it whole, and what does it say.")
    {
        CreateVerify(host),
        CreateShow(host),
    };

    private static Command CreateVerify(CommandHost host)
    {
        var files = FilesArgument();
        var command = new Command("verify", "Follows the chain of its records, and names each line that was changed, cut, moved or taken out.") { files };
        host.BindLocal(command, (parsed, format) => Guarded(
            host.Environment, () => Show(host.Environment, format, AuditVerification.Verify(Expand(parsed.GetRequiredValue(files))))));
        return command;
    }

    private static Command CreateShow(CommandHost host)
    {
        var files = FilesArgument();
        var command = new Command("show", "Prints its records, with everything in them that could steer a terminal escaped.") { files };
        host.BindLocal(command, (parsed, format) => Guarded(
            host.Environment, () => Print(host.Environment, format, AuditVerification.InOrder(Expand(parsed.GetRequiredValue(files))))));
        return command;
    }

    private static Argument<string[]> FilesArgument() => new("FILE") { Description = Files, Arity = ArgumentArity.OneOrMore };

    private static List<string> Expand(string[] paths) =>
        [.. paths.SelectMany(FilesOf).Distinct()];

    private static IEnumerable<string> FilesOf(string path) =>
        Directory.Exists(path) ? Directory.GetFiles(path).Order(StringComparer.Ordinal) : [path];

    private static int Guarded(CliEnvironment environment, Func<int> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && e is not OutputFailedException)
        {
            environment.Error.WriteLine($"consensusctl: {Plain.OneLine(e.Message.TrimEnd('.'))}.");
            return ExitCode.Refused;
        }
    }

    private static int Show(CliEnvironment environment, OutputFormat format, AuditReport report)
    {
        if (format == OutputFormat.Json)
        {
            environment.Output.WriteLine(ToJson(report).ToJsonString());
            return CodeOf(report);
        }
        var table = new TextTable("FILE", "MEMBER", "RECORDS", "FIRST", "LAST");
        foreach (var file in report.Files)
        {
            table.Add(file.Path, file.Member, Plain.Number(file.Records), Plain.Number(file.First), Plain.Number(file.Last));
        }
        table.Write(environment);
        foreach (var note in report.Notes)
        {
            environment.Output.WriteLine($"Note: {Plain.OneLine(note)}.");
        }
        foreach (var sentence in report.Wrong)
        {
            environment.Output.WriteLine($"Wrong: {Plain.OneLine(sentence)}.");
        }
        if (report.MoreWrong > 0)
        {
            environment.Output.WriteLine($"Wrong: {Plain.Number(report.MoreWrong)} places more.");
        }
        return CodeOf(report);
    }

    private static int CodeOf(AuditReport report) => report.Wrong.Count == 0 && report.Files.Count > 0 ? ExitCode.Done : ExitCode.Refused;

    private static JsonObject ToJson(AuditReport report) => new()
    {
        ["files"] = new JsonArray([.. report.Files.Select(file => (JsonNode)new JsonObject
        {
            ["file"] = file.Path,
            ["member"] = file.Member,
            ["records"] = file.Records,
            ["first"] = file.First,
            ["last"] = file.Last,
        })]),
        ["wrong"] = CertCommands.Texts(report.Wrong),
        ["moreWrong"] = report.MoreWrong,
        ["notes"] = CertCommands.Texts(report.Notes),
    };

    private static int Print(CliEnvironment environment, OutputFormat format, IReadOnlyList<string> paths)
    {
        string[] columns = ["time", "event", "principal", "remote", "method", "route", "name", "decision", "status"];
        if (format != OutputFormat.Json)
        {
            environment.Output.WriteLine(string.Join('\t', columns.Select(column => column.ToUpperInvariant())));
        }
        var code = ExitCode.Done;
        foreach (var path in paths)
        {
            using var file = AuditVerification.Open(path);
            foreach (var line in AuditLines.Of(file))
            {
                if (AuditLine.TryReadHeader(line.Bytes.Span, out _, out _))
                {
                    continue;
                }
                if (Read(line) is not { } record)
                {
                    environment.Error.WriteLine($"consensusctl: {Plain.OneLine(path)} line {Plain.Number(line.Number)} is no record.");
                    code = ExitCode.Refused;
                    continue;
                }
                // Written anew: what somebody else put into the file is not passed on as it is.
                environment.Output.WriteLine(format == OutputFormat.Json
                    ? record.ToJsonString()
                    : string.Join('\t', columns.Select(column => Plain.OneLine(record[column]?.ToString() is { Length: > 0 } text ? text : "-"))));
            }
        }
        return code;
    }

    private static JsonObject? Read(AuditLineRead line)
    {
        if (!line.IsWhole || !AuditLine.TryRead(line.Bytes.Span, out _, out _))
        {
            return null;
        }
        try
        {
            var record = JsonNode.Parse(line.Bytes.Span) as JsonObject;
            // Members that are there twice show only when they are looked at.
            _ = record?.Count;
            return record;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return null;
        }
    }
}
