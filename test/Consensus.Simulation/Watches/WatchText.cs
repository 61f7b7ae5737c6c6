using System.Globalization;
using System.Text;
using Consensus.Server.Watches;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Watches;

/// <summary>One message of a simulated watch: what production code writes as JSON, as text that says everything about its events.</summary>
internal static class WatchText
{
    public static byte[] Encode(WatchTarget target, Consensus.Primitives.Revision revision, List<Change> changes) =>
        Encoding.UTF8.GetBytes(Of(changes, target.WithPrevious));

    public static string Of(IEnumerable<Change> changes, bool withPrevious) => string.Join("; ", changes.Select(change => change switch
    {
        KeyChange { After: { } after } put => $"put {put.Key} {Of(after)}{Previous(put, withPrevious)}",
        KeyChange delete => string.Create(CultureInfo.InvariantCulture, $"delete {delete.Key} at {delete.Revision.Value}{Previous(delete, withPrevious)}"),
        ElectionChange { Leader: { } leader } elected => $"leader of {elected.Name} {Of(leader)}",
        _ => "no leader",
    }));

    private static string Previous(KeyChange change, bool isWanted) => isWanted && change.Before is { } before ? $" was {Of(before)}" : "";

    private static string Of(KeyRecord record) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Encoding.UTF8.GetString(record.Value.Span)} c{record.CreateRevision.Value} m{record.ModRevision.Value} v{record.Version} l{record.Lease}");

    private static string Of(Hold hold) => string.Create(
        CultureInfo.InvariantCulture, $"{hold.Owner} token {hold.Token.Value} value {Encoding.UTF8.GetString(hold.Value.Span)}");
}
