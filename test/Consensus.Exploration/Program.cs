using Consensus.Exploration.Commands;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(ExploreOptions.UsageText);
    return 0;
}
try
{
    return new Explore(ExploreOptions.Parse(args), Console.Out, Console.Error).Run();
}
catch (OptionsException mistake)
{
    Console.Error.WriteLine($"explore: {mistake.Message}");
    return 2;
}
