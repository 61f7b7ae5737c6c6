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
        var answer = await Task.Run(() => new StreamReader(session.Environment.Input).ReadLine(), CancellationToken.None).WaitAsync(session.Cancellation);
        return answer?.Trim() is "y" or "Y" or "yes";
    }
}
