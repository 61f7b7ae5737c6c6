using System.CommandLine;
using Consensus.Api;
using Consensus.Api.Transactions;
using Consensus.Cli.Input;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary><c>txn FILE</c>: compares and one of two branches, in one revision.</summary>
internal static class TxnCommand
{
    public static Command Create(CommandHost host)
    {
        var file = Names.Argument("FILE", "The transaction as POST /v1/txn takes it, JSON or MessagePack; - reads it from standard input.");
        var command = new Command("txn", "Compares, then does one branch or the other, in one revision.") { file };
        host.Bind(command, async (parsed, session) =>
        {
            var transaction = await InputText.ReadFileAsync(session, parsed.GetRequiredValue(file), ApiLimits.MaxRequestBytes, "a transaction");
            var result = await session.Client.TxnAsync(transaction, session.Cancellation);
            var code = session.Show(result, Table);
            if (result is { Succeeded: true, Value.Succeeded: false })
            {
                await session.Environment.Error.WriteLineAsync("consensusctl: a compare did not hold, so the failure branch was done.");
                return ExitCode.Refused;
            }
            return code;
        }, givesAnswers: true);
        return command;
    }

    /// <summary>A row for each key that was written or read, and for each deletion; one row that says so when the branch was empty.</summary>
    private static TextTable Table(TxnAnswer answer)
    {
        var table = new TextTable("BRANCH", "#", "DONE", "KEY", "VALUE", "REVISION", "VERSION", "LEASE");
        var branch = answer.Succeeded ? "success" : "failure";
        for (var i = 0; i < answer.Results.Count; i++)
        {
            var number = Plain.Number(i + 1);
            switch (answer.Results[i])
            {
                case { Put: { } put }:
                    table.Add(branch, number, "put", KeyText.Key(put), null, Plain.Number(put.ModRevision), Plain.Number(put.Version), put.Lease);
                    break;
                case { Delete: { } delete }:
                    table.Add(branch, number, $"deleted {Plain.Number(delete.Deleted)}", null, null, Plain.Number(answer.Revision), null, null);
                    break;
                case { Get: { } get }:
                    AddItems(table, branch, number, get, answer.Revision);
                    break;
                default:
                    break;
            }
        }
        return answer.Results.Count > 0 ? table : table.Add(branch, null, "nothing", null, null, Plain.Number(answer.Revision), null, null);
    }

    private static void AddItems(TextTable table, string branch, string number, TxnItemsAnswer get, long revision)
    {
        if (get.Items is not { } items)
        {
            table.Add(branch, number, "get: no longer known", null, null, Plain.Number(revision), null, null);
            return;
        }
        foreach (var item in items)
        {
            table.Add(
                branch, number, "get", KeyText.Key(item), KeyText.Value(item), Plain.Number(item.ModRevision), Plain.Number(item.Version), item.Lease);
        }
        var more = (get.Count ?? 0) - items.Count;
        if (more > 0 || items.Count == 0)
        {
            table.Add(branch, number, more > 0 ? $"get: {Plain.Number(more)} more" : "get: no such key", null, null, Plain.Number(revision), null, null);
        }
    }
}
