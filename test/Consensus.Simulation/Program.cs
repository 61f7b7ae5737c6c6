using Consensus.Simulation.Commands;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(SimulateOptions.UsageText);
    return 0;
}
try
{
    return new Simulate(SimulateOptions.Parse(args), Console.Out, Console.Error).Run();
}
catch (OptionsException mistake)
{
    Console.Error.WriteLine($"simulate: {mistake.Message}");
    return 2;
}
