using System.CommandLine;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>lock watch</c>, <c>semaphore watch</c> and <c>lease watch</c>: the state, and each other one as it comes.</summary>
internal static class WatchStateCommand
{
    public static Command Create(CommandHost host, string description, Argument<string> name, Func<CommandSession, string, IAsyncEnumerable<WatchMessage>> watch)
    {
        var command = new Command("watch", description) { name };
        host.Bind(
            command,
            (parsed, session) =>
            {
                var lines = new HoldLines(session);
                return EventLoop.RunStateAsync(session, () => watch(session, parsed.GetRequiredValue(name)), lines.Lines, lines.Show);
            },
            endsWithItsReader: true);
        return command;
    }
}
