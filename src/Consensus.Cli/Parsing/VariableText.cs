namespace Consensus.Cli.Parsing;

/// <summary>Variables of the environment.</summary>
internal static class VariableText
{
    /// <summary>The value; null when there is none.</summary>
    /// <exception cref="UsageException">It is not UTF-8.</exception>
    public static string? Of(string name, Func<string, string?> valueOf)
    {
        var text = valueOf(name);
        // The runtime's replacement for what is not UTF-8, which nothing that is asked for holds.
        return text?.Contains('\uFFFD') == true ? throw new UsageException($"{name} is not valid UTF-8: '{text}'.") : text;
    }
}
