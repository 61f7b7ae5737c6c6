using System.CommandLine;
using System.Globalization;
using System.Text;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Cli.Input;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary><c>kv get/put/delete/list/watch</c>.</summary>
internal static class KvCommands
{
    private const int PageSize = 500;

    public static Command Create(CommandHost host) => new("kv", "Keys and values, with compare-and-set.")
    {
        Get(host), Put(host), Delete(host), List(host), WatchCommands.CreateForKey(host),
    };

    private static Command Get(CommandHost host)
    {
        var key = Names.Argument("KEY");
        var raw = new Option<bool>("--raw") { Description = "Write the value's bytes and nothing else." };
        var command = new Command("get", "Shows one key.") { key, raw };
        host.Bind(command, async (parsed, session) =>
        {
            var result = await session.Client.GetKeyAsync(parsed.GetRequiredValue(key), session.Cancellation);
            if (!result.Succeeded || !parsed.GetValue(raw))
            {
                return session.Show(result, item => Table([item]));
            }
            await session.Environment.RawOutput.WriteAsync(ValueBytes(result.Value), session.Cancellation);
            await session.Environment.RawOutput.FlushAsync(session.Cancellation);
            return ExitCode.Done;
        }, givesAnswers: true);
        return command;
    }

    private static Command Put(CommandHost host)
    {
        var key = Names.Argument("KEY");
        var value = new Argument<string>("VALUE") { Description = "The value; - reads it from standard input, byte for byte." };
        var ifRevision = IfRevision();
        var ifAbsent = new Option<bool>("--if-absent") { Description = "Only if there is no such key." };
        var lease = new Option<string?>("--lease") { Description = "Delete the key when this lease ends.", HelpName = "ID" };
        var command = new Command("put", "Sets a key.") { key, value, ifRevision, ifAbsent, lease };
        string? Check(ParseResult parsed)
        {
            if (parsed.GetValue(ifAbsent) && parsed.GetValue(ifRevision) is not null)
            {
                return "--if-absent and --if-revision exclude each other.";
            }
            return null;
        }
        host.Bind(command, async (parsed, session) =>
        {
            var text = parsed.GetRequiredValue(value);
            var bytes = text == "-" ? await InputText.ReadAllAsync(session, ApiLimits.MaxValueBytes, "a value") : Encoding.UTF8.GetBytes(text);
            var result = await session.Client.PutKeyAsync(
                parsed.GetRequiredValue(key),
                bytes,
                parsed.GetValue(ifRevision),
                parsed.GetValue(ifAbsent),
                parsed.GetValue(lease),
                session.Cancellation);
            return session.Show(result, item => new TextTable("KEY", "REVISION", "CREATED", "VERSION", "LEASE").Add(
                KeyText.Key(item),
                Plain.Number(item.ModRevision),
                Plain.Number(item.CreateRevision),
                Plain.Number(item.Version),
                item.Lease));
        }, Check, givesAnswers: true);
        return command;
    }

    private static Command Delete(CommandHost host)
    {
        var key = Names.Argument("KEY");
        key.Arity = ArgumentArity.ZeroOrOne;
        var prefix = new Option<string?>("--prefix") { Description = "Delete every key that begins so.", HelpName = "PREFIX" };
        var all = new Option<bool>("--all") { Description = "Delete every key there is." };
        var ifRevision = IfRevision();
        var command = new Command("delete", "Deletes a key, all keys with a prefix, or all keys. A missing key is no error: 0 are deleted.")
        {
            key, prefix, all, ifRevision,
        };
        string? Check(ParseResult parsed)
        {
            var ways = (parsed.GetValue(key) is null ? 0 : 1) + (parsed.GetValue(prefix) is null ? 0 : 1) + (parsed.GetValue(all) ? 1 : 0);
            if (ways != 1)
            {
                return "Give one of KEY, --prefix and --all.";
            }
            // A script's unset variable must not delete the store.
            if (parsed.GetValue(prefix) == "")
            {
                return "The prefix is empty; to delete every key say --all.";
            }
            if (parsed.GetValue(key) is null && parsed.GetValue(ifRevision) is not null)
            {
                return "--if-revision goes with a KEY.";
            }
            return null;
        }
        host.Bind(command, async (parsed, session) =>
        {
            var result = parsed.GetValue(key) is { } one
                ? await session.Client.DeleteKeyAsync(one, parsed.GetValue(ifRevision), session.Cancellation)
                : await session.Client.DeleteKeysAsync(parsed.GetValue(prefix) ?? "", session.Cancellation);
            return session.Show(result, answer => new TextTable("DELETED", "REVISION")
                .Add(Plain.Number(answer.Deleted), Plain.Number(answer.Revision)));
        }, Check, givesAnswers: true);
        return command;
    }

    private static Command List(CommandHost host)
    {
        var prefix = new Option<string?>("--prefix") { Description = "Only keys that begin so.", HelpName = "PREFIX" };
        var limit = new Option<int?>("--limit") { Description = "At most so many.", HelpName = "N" };
        var keysOnly = new Option<bool>("--keys-only") { Description = "Leave the values out." };
        var command = new Command("list", "Lists keys in byte order, as of one revision.") { prefix, limit, keysOnly };
        string? Check(ParseResult parsed)
        {
            if (parsed.GetValue(limit) is < 1)
            {
                return "--limit needs a number above 0.";
            }
            return null;
        }
        host.Bind(command, (parsed, session) =>
        {
            var most = parsed.GetValue(limit) ?? int.MaxValue;
            return Pages.ShowAsync(
                session,
                (cursor, shown) => session.Client.ListKeysAsync(
                    parsed.GetValue(prefix) ?? "",
                    Math.Min(PageSize, most - shown),
                    parsed.GetValue(keysOnly),
                    cursor,
                    session.Cancellation),
                page => page.Items,
                page => page.NextCursor,
                Table,
                most);
        }, Check, givesAnswers: true);
        return command;
    }

    private static TextTable Table(IEnumerable<KeyAnswer> items)
    {
        var table = new TextTable("KEY", "VALUE", "REVISION", "CREATED", "VERSION", "LEASE");
        foreach (var item in items)
        {
            table.Add(
                KeyText.Key(item),
                KeyText.Value(item),
                Plain.Number(item.ModRevision),
                Plain.Number(item.CreateRevision),
                Plain.Number(item.Version),
                item.Lease);
        }
        return table;
    }

    private static byte[] ValueBytes(KeyAnswer item) =>
        item.ValueBase64 is { } encoded ? Convert.FromBase64String(encoded) : Encoding.UTF8.GetBytes(item.Value ?? "");

    private static Option<long?> IfRevision() => new("--if-revision")
    {
        Description = "Only if the key was last changed at this revision.",
        HelpName = "N",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var revision))
            {
                return revision;
            }
            result.AddError($"--if-revision needs a revision, a whole number, not '{text}'.");
            return null;
        },
    };
}
