using Consensus.Simulation.Clients;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Holds;

/// <summary>
/// A place in line belongs to one request, whoever else uses its lease or its owner's name: nothing takes it over but another attempt of that request, and one that will not wait
/// takes none. Whoever is granted something is granted what it asked for, under its own name and lease (rule 18).
/// </summary>
internal static class Places
{
    public const string Name = "places in line";

    public static void Saw(AppliedEntry entry)
    {
        foreach (var taken in entry.TakenOver)
        {
            Violation.Unless(taken is not null && taken == entry.Asked, Name, () => $"{entry}, an attempt of {entry.Asked}, took over the place of {taken}");
        }
        Violation.Unless(entry is not { Command: AcquireCommand { WaitMicros: <= 0 } or AcquireManyCommand { WaitMicros: <= 0 }, Outcome: HoldQueued }, Name, () =>
            $"{entry} was put in line, though it does not wait");
        foreach (var (_, asked, hold) in entry.Granted)
        {
            Violation.Unless(asked is null || IsWhatWasAsked(asked, hold), Name, () => $"{entry} granted {hold} to {asked}");
        }
    }

    private static bool IsWhatWasAsked(Operation asked, Hold hold) => asked.Command switch
    {
        AcquireCommand one => hold.Object == one.Object
            && hold.Owner == one.Owner
            && hold.Mode == one.Mode
            && hold.Count == one.Count
            && (one.SharedLease.IsNone || hold.Lease == one.SharedLease),
        AcquireManyCommand many => hold.Owner == many.Owner && (many.SharedLease.IsNone || hold.Lease == many.SharedLease),
        _ => hold.Owner == asked.Owner,
    };
}
