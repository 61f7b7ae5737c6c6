using System.Globalization;
using System.Runtime.InteropServices;
using Consensus.Chaos;
using Consensus.Chaos.Runs;
using Consensus.Simulation.Nodes;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(ChaosOptions.Usage);
    return 0;
}
ChaosOptions options;
try
{
    options = ChaosOptions.Parse(args);
}
catch (ArgumentException wrong)
{
    Console.Error.WriteLine($"scripts/chaos: {wrong.Message}; --help lists the options");
    return 2;
}
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {options.Seed}, {options.Nodes} members, {options.Clients} clients"));
// Interrupted: the cluster is taken down on the way out.
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Environment.Exit(130));
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Environment.Exit(143));
try
{
    var report = await new ChaosRun(options, Console.WriteLine).RunAsync();
    Console.WriteLine($"clean: {report}");
    return 0;
}
catch (SimulationFailureException broken)
{
    Console.Error.WriteLine(broken.Message);
    return 1;
}
