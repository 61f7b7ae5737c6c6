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
        _root = new RootCommand("Looks into a Consensus cluster and works with its keys, leases, locks, semaphores and elections.");
        host.AddGlobalOptions(_root);
        _root.Add(StatusCommand.Create(host));
        _root.Add(MemberCommands.CreateMembers(host));
        _root.Add(MemberCommands.CreateLeader(host));
        _root.Add(KvCommands.Create(host));
        _root.Add(WatchCommands.CreateForPrefix(host));
        _root.Add(TxnCommand.Create(host));
        _root.Add(LeaseCommands.Create(host));
        _root.Add(LockCommands.Create(host));
        _root.Add(SemaphoreCommands.Create(host));
        _root.Add(ElectCommands.Create(host));
        _root.Add(FenceCommands.Create(host));
        _root.Add(SnapshotCommands.Create(host));
        _root.Add(CheckCommands.Create(host));
        _root.Add(TopCommand.Create(host));
        _root.Add(BenchCommand.Create(host));
        _root.Add(CompletionCommand.Create(host, _root));
    }

    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        // A value such as "@file" is a value, not a file to read arguments from.
        var parsed = _root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
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
        catch (UsageException problem)
        {
            await _environment.Error.WriteLineAsync($"consensusctl: {Plain.OneLine(problem.Message)}");
            return ExitCode.Usage;
        }
    }
}
