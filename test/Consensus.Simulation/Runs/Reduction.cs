using System.Globalization;
using Consensus.Simulation.Faults;

namespace Consensus.Simulation.Runs;

/// <summary>What is taken out of a drawn run, to see whether it still fails.</summary>
/// <param name="Without">Kinds of fault that do not happen.</param>
/// <param name="Clients">Only the first so many clients; null for all that were drawn.</param>
/// <param name="PhaseOneMicros">A shorter phase one; null for what was drawn.</param>
public sealed record Reduction(FaultKinds Without = FaultKinds.None, int? Clients = null, long? PhaseOneMicros = null)
{
    /// <summary>As options of <c>scripts/simulate</c>.</summary>
    public override string ToString()
    {
        var options = new List<string>();
        var without = KindsIn(Without);
        if (without.Count > 0)
        {
            options.Add($"--without {string.Join(',', without)}");
        }
        if (Clients is { } clients)
        {
            options.Add(string.Create(CultureInfo.InvariantCulture, $"--clients {clients}"));
        }
        if (PhaseOneMicros is { } micros)
        {
            options.Add(string.Create(CultureInfo.InvariantCulture, $"--phase-one {micros / 1_000_000m}"));
        }
        return string.Join(' ', options);
    }

    /// <summary>Single kinds of fault, in their order.</summary>
    public static IReadOnlyList<FaultKinds> KindsIn(FaultKinds kinds) =>
        [.. Enum.GetValues<FaultKinds>().Where(kind => kind is not (FaultKinds.None or FaultKinds.All) && (kinds & kind) != 0)];
}
