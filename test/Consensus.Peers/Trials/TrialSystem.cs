using System.Reflection;

namespace Consensus.Peers.Trials;

/// <summary>Whom the trials are held with.</summary>
/// <param name="More">Arguments of each member beside those of its place.</param>
internal sealed record TrialSystem(string Name, string Program, string[] More)
{
    private static readonly string Dotnextd = Told("PeerProgram");

    private static readonly string Consensusd = Told("ServerProgram");

    public static IReadOnlyList<TrialSystem> All { get; } =
    [
        new("dotnext", Dotnextd, []),
        new("dotnext-flushed", Dotnextd, ["--flushed"]),
        new("consensus", Consensusd, []),
    ];

    /// <summary>The build tells where it puts its programs.</summary>
    private static string Told(string key) =>
        typeof(TrialSystem).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
