using System.Globalization;
using System.Text;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>All that an outcome tells, as text: two that tell the same are equal.</summary>
internal static class OutcomeText
{
    public static string Of(Outcome outcome) => outcome switch
    {
        LeasesRenewed renewed => $"renewed {renewed.Revision}: {string.Join(", ", renewed.Renewals)}",
        HoldGranted granted => $"granted {granted.Revision} after {granted.WaitedMicros}: {Of(granted.Hold)}",
        HoldRenewed renewed => $"renewed {renewed.Revision}: {Of(renewed.Hold)}",
        ManyGranted many => $"granted {many.Revision}: {string.Join(", ", many.Holds.Select(Of))}",
        HandedOver over => $"handed over {over.Revision}: {Of(over.Hold)}",
        HoldRefused held => $"held {held.Revision}, {held.Waiters} wait, after {held.WaitedMicros}, {held.Name} until {held.DelayedUntil}: {Of(held.Holder)}",
        NotHolder not => $"not the holder {not.Revision}: {not.Loss}; {Of(not.Current)}",
        TxnDone done => $"transaction {done.Revision} {done.Succeeded}: {Of(done.Results)}",
        // When there may be room is told as it is each time.
        BoundReached full => (full with { RetryAfterMicros = 0 }).ToString(),
        _ => outcome.ToString(),
    };

    public static string Of(IEnumerable<TxnResult> results) => string.Join(", ", results.Select(result => result switch
    {
        TxnGetResult get => string.Create(CultureInfo.InvariantCulture, $"got {get.Count}: {string.Join(" ", get.Items.Select(item => $"{item.Key}={Of(item.Record)}"))}"),
        _ => result.ToString(),
    }));

    /// <summary>Without what a transaction read, as it is kept for retries.</summary>
    public static Outcome AsKept(Outcome outcome) => outcome is TxnDone done ? done with { Results = [.. done.Results.Select(AsKept)] } : outcome;

    public static TxnResult AsKept(TxnResult result) => result is TxnGetResult get ? new TxnGetNotKept(get.Items.Length, get.Count) : result;

    /// <summary>What was told again is what was told first, where it was not said to be left out.</summary>
    public static bool Tells(IEnumerable<TxnResult> first, IReadOnlyList<TxnResult> again) =>
        Of(first.Zip(again, (was, told) => told is TxnGetNotKept ? AsKept(was) : was)) == Of(again);

    public static string Of(KeyRecord record) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Encoding.UTF8.GetString(record.Value.Span)}(c{record.CreateRevision.Value} m{record.ModRevision.Value} v{record.Version} l{record.Lease.Value})");

    private static string Of(Hold? hold) => hold is null
        ? "nobody"
        : $"{(hold with { Metadata = default, Value = default }).ToString()} {Encoding.UTF8.GetString(hold.Metadata.Span)} {Encoding.UTF8.GetString(hold.Value.Span)}";
}
