using System.CommandLine;
using Consensus.Cli.Completion;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>completion bash|zsh</c>, and what the scripts ask while a person types.</summary>
internal static class CompletionCommand
{
    /// <summary>How long a person waits after Tab before the names of members are not worth it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <param name="root">Whose commands are completed, when all of them are there.</param>
    public static Command Create(CommandHost host, Command root) => new("completion", "A script that lets a shell complete commands, options and names.")
    {
        Script(host, "bash", "For bash: source <(consensusctl completion bash)", () => BashScript.Write(CompletionTree.Of(root))),
        Script(host, "zsh", "For zsh: source <(consensusctl completion zsh)", () => ZshScript.Write(CompletionTree.Of(root))),
        MemberNames(host),
    };

    private static Command Script(CommandHost host, string shell, string description, Func<string> write)
    {
        var command = new Command(shell, description);
        command.SetAction(_ =>
        {
            host.Environment.Output.Write(write());
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>The names of members, or of who waits to be added, one in a line; nothing, without a word, when nobody tells them soon.</summary>
    private static Command MemberNames(CommandHost host)
    {
        var joining = new Option<bool>("--joining");
        var command = new Command("members", "Names for the scripts.") { joining };
        command.Hidden = true;
        host.Bind(command, async (parsed, session) =>
        {
            var options = session.Options with
            {
                ConnectTimeout = Patience / 4,
                AttemptTimeout = Patience * 0.75,
                RetryFor = TimeSpan.Zero,
                RetryUnreachableFor = TimeSpan.Zero,
                SettlesWithin = null,
            };
            using var client = new ConsensusApiClient(options);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(session.Cancellation);
            limit.CancelAfter(Patience);
            try
            {
                var cluster = await client.GetClusterAsync(limit.Token);
                var names = parsed.GetValue(joining)
                    ? cluster.Value?.Joining?.Select(joiner => joiner.Name)
                    : cluster.Value?.Members?.Select(member => member.Name);
                foreach (var name in (names ?? []).Where(IsName))
                {
                    await session.Environment.Output.WriteLineAsync(name);
                }
            }
            catch (OperationCanceledException) when (!session.Cancellation.IsCancellationRequested)
            {
                // Too late to be of use.
            }
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>What a member can be called (rule 17); a shell is to be given nothing else.</summary>
    private static bool IsName(string? name) =>
        name is { Length: >= 1 and <= 63 } && name.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-');
}
