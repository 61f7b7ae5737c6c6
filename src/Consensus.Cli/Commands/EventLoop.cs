using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary>Shows the messages of a watch until the program is ended; a watch that cannot go on says why, and never leaves a gap without a word.</summary>
internal static class EventLoop
{
    /// <summary>A member that ends each watch so is not asked as fast as it can answer.</summary>
    private static readonly TimeSpan PauseAfterCompaction = TimeSpan.FromMilliseconds(50);

    /// <param name="show">Shows one message; "open" and "compacted" of a JSON output are shown here.</param>
    /// <exception cref="OperationCanceledException">The program was told to end.</exception>
    public static async Task<int> RunAsync(
        CommandSession session, IAsyncEnumerable<WatchMessage> messages, EventLines lines, Action<WatchMessage> show)
    {
        try
        {
            var told = await ShowAllAsync(session, messages, lines, show);
            if (told.Compacted is not { } compacted)
            {
                return ExitCode.Done;
            }
            TellCompacted(session, compacted, told, "read the keys as they are now, and watch again from the revision after that");
            return ExitCode.Refused;
        }
        catch (ConsensusException refused)
        {
            return session.Fail(refused.Problem);
        }
    }

    /// <summary>
    /// Shows a state that changes rather than the changes themselves: each watch begins with the present one, so after what is compacted it goes on from there, and says that there
    /// may be a gap.
    /// </summary>
    /// <param name="watch">Begins a watch at the present state.</param>
    /// <exception cref="OperationCanceledException">The program was told to end.</exception>
    public static async Task<int> RunStateAsync(
        CommandSession session, Func<IAsyncEnumerable<WatchMessage>> watch, EventLines lines, Action<WatchMessage> show)
    {
        try
        {
            while (true)
            {
                var told = await ShowAllAsync(session, watch(), lines, show);
                if (told.Compacted is not { } compacted)
                {
                    return ExitCode.Done;
                }
                var goesOn = told.Through is not null;
                TellCompacted(session, compacted, told, goesOn ? "it goes on with the present state" : "and the present state is not told either");
                if (!goesOn)
                {
                    // No member says that of a watch that begins with the present: to ask again would be to ask for ever.
                    return ExitCode.Refused;
                }
                await Task.Delay(PauseAfterCompaction, session.Environment.Clock, session.Cancellation);
            }
        }
        catch (ConsensusException refused)
        {
            return session.Fail(refused.Problem);
        }
    }

    /// <summary>What one watch came to.</summary>
    /// <param name="Through">Up to which revision all was told; null when nothing was.</param>
    /// <param name="Compacted">Why it ended; null when it ended by itself.</param>
    private readonly record struct Told(long? Through, WatchCompacted? Compacted);

    private static async Task<Told> ShowAllAsync(
        CommandSession session, IAsyncEnumerable<WatchMessage> messages, EventLines lines, Action<WatchMessage> show)
    {
        var isJson = session.Format == OutputFormat.Json;
        long? through = null;
        await foreach (var message in messages.WithCancellation(session.Cancellation))
        {
            show(message);
            switch (message)
            {
                case WatchOpened opened:
                    through = opened.FromRevision - 1;
                    if (isJson)
                    {
                        lines.WriteJson("open", new JsonObject { ["fromRevision"] = opened.FromRevision });
                    }
                    break;
                case WatchChanges changes:
                    through = changes.Revision;
                    break;
                case WatchLeader leader:
                    through = leader.Election.Revision;
                    break;
                case WatchState state:
                    through = state.Revision;
                    break;
                case WatchCompacted compacted:
                    if (isJson)
                    {
                        lines.WriteJson("compacted", new JsonObject { ["compactRevision"] = compacted.CompactRevision });
                    }
                    return new Told(through, compacted);
                default:
                    break;
            }
        }
        return new Told(through, null);
    }

    private static void TellCompacted(CommandSession session, WatchCompacted compacted, Told told, string whatNow)
    {
        var what = told.Through is { } through ? $"what came after revision {Plain.Number(through)}" : "what was asked for";
        session.Environment.Error.WriteLine(
            $"consensusctl: {what} is compacted and cannot be told any more (the oldest revision that is kept is {Plain.Number(compacted.CompactRevision)}): {whatNow}.");
    }
}
