using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary>Shows the messages of a watch until the program is ended; a watch that cannot go on says why, and never leaves a gap without a word.</summary>
internal static class EventLoop
{
    /// <param name="show">Shows one message; "open" and "compacted" of a JSON output are shown here.</param>
    /// <exception cref="OperationCanceledException">The program was told to end.</exception>
    public static async Task<int> RunAsync(
        CommandSession session, IAsyncEnumerable<WatchMessage> messages, EventLines lines, Action<WatchMessage> show)
    {
        var isJson = session.Format == OutputFormat.Json;
        long? toldThrough = null;
        try
        {
            await foreach (var message in messages.WithCancellation(session.Cancellation))
            {
                show(message);
                switch (message)
                {
                    case WatchOpened opened:
                        toldThrough = opened.FromRevision - 1;
                        if (isJson)
                        {
                            lines.WriteJson("open", new JsonObject { ["fromRevision"] = opened.FromRevision });
                        }
                        break;
                    case WatchChanges changes:
                        toldThrough = changes.Revision;
                        break;
                    case WatchLeader leader:
                        toldThrough = leader.Election.Revision;
                        break;
                    case WatchCompacted compacted:
                        return TellCompacted(session, lines, compacted, toldThrough);
                    default:
                        break;
                }
            }
            return ExitCode.Done;
        }
        catch (ConsensusException refused)
        {
            return session.Fail(refused.Problem);
        }
    }

    private static int TellCompacted(CommandSession session, EventLines lines, WatchCompacted compacted, long? toldThrough)
    {
        if (session.Format == OutputFormat.Json)
        {
            lines.WriteJson("compacted", new JsonObject { ["compactRevision"] = compacted.CompactRevision });
        }
        var what = toldThrough is { } told ? $"what came after revision {Plain.Number(told)}" : "what was asked for";
        session.Environment.Error.WriteLine(
            $"consensusctl: {what} is compacted and cannot be told any more (the oldest revision that is kept is {Plain.Number(compacted.CompactRevision)}): "
            + "read the keys as they are now, and watch again from the revision after that.");
        return ExitCode.Refused;
    }
}
