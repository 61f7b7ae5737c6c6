namespace Consensus.Cli.Commands;

/// <summary>Asks a person before something is done that cannot be undone. A script that says so has decided already.</summary>
internal static class Confirmation
{
    /// <returns>False when a person was asked and did not say yes.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<bool> AskAsync(CommandSession session, string question)
    {
        if (!session.Environment.InputIsTerminal)
        {
            return true;
        }
        await session.Environment.Error.WriteAsync(question + " [y/N] ");
        await session.Environment.Error.FlushAsync(session.Cancellation);
        // Read on another thread: reading from a terminal cannot be cancelled, and Ctrl-C must be heard.
        var answer = await Task.Run(() => ReadLine(session.Environment.Input), CancellationToken.None).WaitAsync(session.Cancellation);
        return answer?.Trim() is "y" or "Y" or "yes";
    }

    /// <summary>Null where nothing can be read: a terminal that is not this program's to read from any more.</summary>
    private static string? ReadLine(Stream input)
    {
        try
        {
            return new StreamReader(input).ReadLine();
        }
        catch (IOException)
        {
            return null;
        }
    }
}
