using System.CommandLine;
using Consensus.Cli.Commands;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli;

/// <summary>The command line as a whole: parses, runs one command, and turns what came of it into an exit code.</summary>
internal sealed class CliApp
{
    /// <summary>The commands in the order in which help lists them.</summary>
    private static readonly Maker[] Commands =
    [
        new("status", (host, _) => StatusCommand.Create(host)),
        new("members", (host, _) => MemberCommands.CreateMembers(host)),
        new("leader", (host, _) => MemberCommands.CreateLeader(host)),
        new("kv", (host, _) => KvCommands.Create(host)),
        new("watch", (host, _) => WatchCommands.CreateForPrefix(host)),
        new("txn", (host, _) => TxnCommand.Create(host)),
        new("lease", (host, _) => LeaseCommands.Create(host)),
        new("lock", (host, _) => LockCommands.Create(host)),
        new("semaphore", (host, _) => SemaphoreCommands.Create(host)),
        new("elect", (host, _) => ElectCommands.Create(host)),
        new("fence", (host, _) => FenceCommands.Create(host)),
        new("auth", (host, _) => AuthCommands.Create(host)),
        new("settings", (host, _) => SettingCommands.Create(host)),
        new("snapshot", (host, _) => SnapshotCommands.Create(host)),
        new("cert", (host, _) => CertCommands.Create(host)),
        new("audit", (host, _) => AuditCommands.Create(host)),
        new("check", (host, _) => CheckCommands.Create(host)),
        new("top", (host, _) => TopCommand.Create(host)),
        new("bench", (host, _) => BenchCommand.Create(host)),
        new(CompletionName, CompletionCommand.Create),
    ];

    private const string CompletionName = "completion";

    private readonly CliEnvironment _environment;

    public CliApp(CliEnvironment environment) => _environment = environment;

    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var parsed = Parse(arguments);
        if (NotText.MistakeIn(parsed) is { } loss)
        {
            await _environment.Error.WriteLineAsync($"consensusctl: {Plain.OneLine(loss)}");
            return ExitCode.Usage;
        }
        if (WrongLine.MistakeIn(parsed) is { } mistake)
        {
            await _environment.Error.WriteLineAsync($"consensusctl: {Plain.OneLine(mistake)} See: {CommandPath.Of(parsed)} --help");
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
        catch (OutputFailedException failure)
        {
            if (!failure.ReaderIsGone)
            {
                await _environment.Error.WriteLineAsync($"consensusctl: {Plain.OneLine(failure.Message)}.");
            }
            return failure.ExitCode;
        }
        catch (UsageException problem)
        {
            await _environment.Error.WriteLineAsync($"consensusctl: {Plain.OneLine(problem.Message)}");
            return ExitCode.Usage;
        }
    }

    /// <summary>
    /// Reads the line with the one command that it seems to name: to make all of them takes longer than all else that is done before the cluster is asked. Where that reads
    /// wrongly, and for what tells about all commands, they are all made.
    /// </summary>
    internal ParseResult Parse(IReadOnlyList<string> arguments)
    {
        foreach (var word in arguments)
        {
            var named = Array.FindIndex(Commands, command => command.Name == word);
            if (named < 0)
            {
                continue;
            }
            var parsed = word == CompletionName ? null : ParseWith([Commands[named]], arguments);
            if (parsed is null || parsed.CommandResult == parsed.RootCommandResult || WrongLine.MistakeIn(parsed) is not null)
            {
                break;
            }
            return parsed;
        }
        return ParseWith(Commands, arguments);
    }

    private ParseResult ParseWith(IEnumerable<Maker> commands, IReadOnlyList<string> arguments)
    {
        var root = new RootCommand("Looks into a Consensus cluster and works with its keys, leases, locks, semaphores and elections.");
        var host = new CommandHost(_environment);
        host.AddGlobalOptions(root);
        foreach (var command in commands)
        {
            root.Add(command.Create(host, root));
        }
        // A value such as "@file" is a value, not a file to read arguments from.
        return root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
    }

    private sealed record Maker(string Name, Func<CommandHost, RootCommand, Command> Create);
}
