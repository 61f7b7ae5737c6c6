using System.CommandLine;
using Consensus.Cli.Commands;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli;

/// <summary>The command line as a whole: parses, runs one command, and turns what came of it into an exit code.</summary>
internal sealed class CliApp
{
    private readonly CliEnvironment _environment;
    private readonly RootCommand _root;

    public CliApp(CliEnvironment environment)
    {
        _environment = environment;
        var host = new CommandHost(environment);
        _root = new RootCommand("Looks into a Consensus cluster and works with its keys, leases and locks.");
        host.AddGlobalOptions(_root);
        _root.Add(StatusCommand.Create(host));
        _root.Add(MemberCommands.CreateMembers(host));
        _root.Add(MemberCommands.CreateLeader(host));
        _root.Add(KvCommands.Create(host));
        _root.Add(LeaseCommands.Create(host));
        _root.Add(LockCommands.Create(host));
        _root.Add(SnapshotCommands.Create(host));
        _root.Add(CheckCommands.Create(host));
    }

    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        // A value such as "@file" is a value, not a file to read arguments from.
        var parsed = _root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            await _environment.Error.WriteLineAsync($"consensusctl: {Plain.OneLine(WhatIsWrong(parsed))} See: {CommandPath.Of(parsed)} --help");
            return ExitCode.Usage;
        }
        var configuration = new InvocationConfiguration
        {
            Output = _environment.Output,
            Error = _environment.Error,
            EnableDefaultExceptionHandler = false,
            // Signals are the program's own business: `lock run` passes them on.
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (UsageException problem)
        {
            await _environment.Error.WriteLineAsync($"consensusctl: {problem.Message}");
            return ExitCode.Usage;
        }
    }

    private static string WhatIsWrong(ParseResult parsed)
    {
        // The parser says that a command is missing; what the user needs to see is the word that is none.
        var isGroup = parsed.CommandResult.Command.Subcommands.Count > 0;
        if (isGroup && parsed.UnmatchedTokens is [var word, ..])
        {
            return word.StartsWith('-') ? $"There is no option {word} here." : $"There is no command \"{word}\" here.";
        }
        if (isGroup)
        {
            return "A command is missing.";
        }
        return string.Join(' ', parsed.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
