using System.Globalization;
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
var isInterrupted = false;
using var signals = new Signals(code =>
{
    isInterrupted = true;
    Environment.Exit(code);
});
try
{
    var report = await new ChaosRun(options, Console.WriteLine).RunAsync();
    Console.WriteLine($"clean: {report}");
    return 0;
}
catch (Exception) when (isInterrupted)
{
    // The run stumbles over what is taken down beneath it, which is no finding.
    await Task.Delay(Timeout.Infinite);
    return 1;
}
catch (SimulationFailureException broken)
{
    Console.Error.WriteLine(broken.Message);
    return 1;
}
