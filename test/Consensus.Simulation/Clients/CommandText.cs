using System.Text;
using Consensus.StateMachine.Commands;

namespace Consensus.Simulation.Clients;

/// <summary>Commands for traces and failures: what a record says of itself, with what is in its lists and bytes.</summary>
internal static class CommandText
{
    public static string Of(Command command) => command switch
    {
        TxnCommand txn => $"if {string.Join(" and ", txn.Compares.Select(Of))} then {string.Join(", ", txn.Success.Select(Of))} else {string.Join(", ", txn.Failure.Select(Of))}",
        AcquireManyCommand many => $"{many with { Metadata = default }} of {string.Join(", ", many.Names)}",
        RenewLeasesCommand leases => $"renew {string.Join(", ", leases.Ids)}",
        _ => command.ToString(),
    };

    private static string Of(TxnCompare compare) => compare.Target == CompareTarget.Value
        ? $"{compare.Name} value {compare.Operator} {Encoding.UTF8.GetString(compare.Value.Span)}"
        : $"{(compare.Target == CompareTarget.Hold ? compare.Space : "")}{compare.Name} {compare.Target} {compare.Operator} {compare.Number}";

    private static string Of(TxnOperation operation) => operation switch
    {
        TxnPut put => $"put {put.Key}={Encoding.UTF8.GetString(put.Value.Span)}{(put.Lease.IsNone ? "" : $" lease {put.Lease}")}",
        TxnDelete delete => $"delete {delete.Key}{(delete.IsPrefix ? "*" : "")}",
        TxnGet get => $"get {get.Key}{(get.IsPrefix ? $"* {get.Limit}" : "")}",
        _ => operation.ToString(),
    };
}
