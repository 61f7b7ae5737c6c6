using System.Runtime.InteropServices;
using Consensus.Node.Ports;

namespace Consensus.Server.Hosting;

/// <summary>
/// Ends the process on the spot: without running anything that could still answer a request from a state that cannot be trusted.
/// </summary>
internal static partial class ProcessEnd
{
    private const int ExitFailed = 1;

    public static void Now(string what, Exception? failure)
    {
        // What an operator can put right is one sentence; a bug shows where it came from.
        var detail = failure switch
        {
            null => "",
            StorageFailedException or StorageRefusedException => $": {failure.Message}",
            _ => $": {failure}",
        };
        Console.Error.WriteLine($"consensusd: {what}{detail}");
        Console.Error.Flush();
        Exit(ExitFailed);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void Exit(int code);
}
