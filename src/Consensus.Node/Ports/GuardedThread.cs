namespace Consensus.Node.Ports;

/// <summary>
/// Every thread that this process starts is made here: whatever escapes it is caught once more, and ends the process with a sentence. Without that the runtime would
/// abort it, and nobody would know whose thread it was and what to do.
/// </summary>
public static class GuardedThread
{
    /// <summary>What ends the process where nobody said how.</summary>
    public static void FailFast(string what, Exception? failure) => Environment.FailFast($"{what}: {failure?.Message}", failure);

    /// <summary>A background thread, not started yet.</summary>
    /// <param name="fatal">Told at most once; ends the process.</param>
    /// <param name="sentence">What it is told; null: that the thread failed.</param>
    public static Thread Of(string name, Action run, Action<string, Exception?> fatal, string? sentence = null) =>
        new(() =>
        {
            try
            {
                run();
            }
            catch (Exception failure)
            {
                fatal(sentence ?? $"the thread \"{name}\" failed", failure);
            }
        })
        { Name = name, IsBackground = true };
}
