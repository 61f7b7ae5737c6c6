using System.CommandLine;
using System.Text.Json.Nodes;
using Consensus.Api.Watches;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;
using KeyText = Consensus.Cli.Output.KeyText;

namespace Consensus.Cli.Commands;

/// <summary><c>kv watch KEY</c> and <c>watch PREFIX</c>: changes as lines, until the program is ended.</summary>
internal static class WatchCommands
{
    public static Command CreateForKey(CommandHost host)
    {
        var key = Names.Argument("KEY");
        var prefix = new Option<bool>("--prefix") { Description = "Every key that begins so." };
        return Create(
            host,
            new Command("watch", "Shows each change of a key as it comes.") { key, prefix },
            parsed => (parsed.GetRequiredValue(key), parsed.GetValue(prefix)));
    }

    public static Command CreateForPrefix(CommandHost host)
    {
        var prefix = Names.OptionalArgument("PREFIX", "Keys that begin so; without it every key.");
        return Create(host, new Command("watch", "Shows each change of the keys with a prefix as it comes.") { prefix }, parsed => (parsed.GetValue(prefix) ?? "", true));
    }

    private static Command Create(CommandHost host, Command command, Func<ParseResult, (string Key, bool IsPrefix)> what)
    {
        var from = new Option<long?>("--from-revision") { Description = "Begin with this revision; else with the next one.", HelpName = "N" };
        var previous = new Option<bool>("--prev") { Description = "Show what each key held before." };
        command.Add(from);
        command.Add(previous);
        host.Bind(
            command,
            (parsed, session) =>
            {
                var options = new WatchOptions { FromRevision = parsed.GetValue(from), WithPrevious = parsed.GetValue(previous) };
                var (key, isPrefix) = what(parsed);
                return RunAsync(session, options, isPrefix ? session.Client.WatchKeysAsync(key, options, session.Cancellation)
                    : session.Client.WatchKeyAsync(key, options, session.Cancellation));
            },
            parsed => parsed.GetValue(from) is < 1 ? "--from-revision needs a number above 0." : null,
            endsWithItsReader: true);
        return command;
    }

    private static async Task<int> RunAsync(CommandSession session, WatchOptions options, IAsyncEnumerable<WatchMessage> messages)
    {
        (string, int)[] columns = [("REVISION", 8), ("EVENT", 6), ("KEY", 24), ("VALUE", 24), ("VERSION", 7), ("LEASE", 16)];
        var lines = new EventLines(session.Environment, options.WithPrevious ? [.. columns, ("PREVIOUS", 0)] : columns);
        var isJson = session.Format == OutputFormat.Json;
        return await EventLoop.RunAsync(session, messages, lines, message =>
        {
            switch (message)
            {
                // A person sees that the watch has begun; a script reads from where.
                case WatchOpened when !isJson:
                    lines.WriteHeadings();
                    break;
                case WatchChanges changes when isJson:
                    WriteJson(lines, changes);
                    break;
                case WatchChanges changes:
                    foreach (var change in changes.Events)
                    {
                        lines.Write(Cells(changes.Revision, change, options.WithPrevious));
                    }
                    break;
                default:
                    break;
            }
        });
    }

    /// <summary>Each event of a revision on a line of its own; those of one revision have the same modRevision.</summary>
    private static void WriteJson(EventLines lines, WatchChanges changes)
    {
        var data = JsonNode.Parse(changes.Json)!.AsObject();
        var several = data["events"] as JsonArray;
        for (var i = 0; i < changes.Events.Count; i++)
        {
            lines.WriteJson(changes.Events[i].Event ?? "", several is null ? data : several[i]!.AsObject());
        }
    }

    private static string?[] Cells(long revision, WatchEventData change, bool withPrevious)
    {
        string?[] cells =
        [
            Plain.Number(revision),
            change.Event,
            KeyText.Key(change),
            KeyText.Value(change),
            change.Version is { } version ? Plain.Number(version) : null,
            change.Lease,
        ];
        return withPrevious ? [.. cells, change.PrevOmitted ? "(too large to be told)" : change.Prev is { } prev ? KeyText.Value(prev) : null] : cells;
    }
}
