namespace Consensus.Benchmarks;

/// <summary>What happens meanwhile, on standard error; standard output carries the tables alone.</summary>
internal static class Progress
{
    public static void Say(string line) => Console.Error.WriteLine(line);
}
