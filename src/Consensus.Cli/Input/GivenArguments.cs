namespace Consensus.Cli.Input;

/// <summary>
/// The program's arguments without a loss, as <see cref="ByteText"/>. The runtime decodes them as UTF-8 with U+FFFD in place of what is none, so that two names become one and a
/// command run under a lock would be given other bytes; the kernel has them as they were.
/// </summary>
internal static class GivenArguments
{
    private const string CommandLineFile = "/proc/self/cmdline";
    private const char Replacement = '\uFFFD';

    /// <param name="decoded">As the runtime gave them.</param>
    /// <exception cref="UsageException">Something may be lost, and the kernel cannot be asked what.</exception>
    public static IReadOnlyList<string> Read(string[] decoded)
    {
        var suspect = OperatingSystem.IsLinux() ? decoded.FirstOrDefault(word => word.Contains(Replacement)) : null;
        return suspect is null ? decoded : Of(decoded, CommandLine()) ?? throw new UsageException($"'{suspect}' may be no UTF-8, and {CommandLineFile}, which would tell, cannot be read.");
    }

    /// <summary>Null when they are not those of this command line.</summary>
    /// <param name="commandLine">All arguments, each ended by a NUL; before the program's own stand the program and, where <c>dotnet</c> runs it, what that was given for itself.</param>
    public static IReadOnlyList<string>? Of(IReadOnlyList<string> decoded, ReadOnlySpan<byte> commandLine)
    {
        var words = new List<string>();
        while (commandLine.IndexOf((byte)0) is >= 0 and var end)
        {
            words.Add(ByteText.Decode(commandLine[..end]));
            commandLine = commandLine[(end + 1)..];
        }
        if (words.Count < decoded.Count)
        {
            return null;
        }
        words.RemoveRange(0, words.Count - decoded.Count);
        return words.Zip(decoded).All(pair => pair.First == pair.Second || (!ByteText.IsText(pair.First) && pair.Second.Contains(Replacement))) ? words : null;
    }

    private static byte[] CommandLine()
    {
        try
        {
            return File.ReadAllBytes(CommandLineFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
