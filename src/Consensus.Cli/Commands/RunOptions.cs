using System.CommandLine;
using System.CommandLine.Parsing;
using Consensus.Cli.LockRun;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary>What the commands that run a command under a hold have in common: <c>[--ttl --wait --grace --max-hold] -- CMD ARGS…</c>.</summary>
internal sealed class RunOptions
{
    private static readonly TimeSpan DefaultTtl = TimeSpan.FromSeconds(15);

    /// <summary>Below this the margins of <see cref="HoldSchedule"/> are shorter than a busy machine's delays.</summary>
    private static readonly TimeSpan ShortestTtl = TimeSpan.FromSeconds(1);

    private readonly Option<TimeSpan?> _ttl = Durations.Option(
        "--ttl", "How long the hold outlives this process's last renewal. Default 15s, at least 1s.");

    private readonly Option<TimeSpan?> _wait = Durations.Option("--wait", "How long to wait for it; 0 does not wait. Default: as long as it takes.");

    private readonly Option<TimeSpan?> _grace = Durations.Option(
        "--grace", "Time between SIGTERM and SIGKILL, at most a quarter of the TTL. Default: that, or 5s if it is less.");

    private readonly Option<TimeSpan?> _maxHold = HoldOptions.MaxHoldOption();

    private readonly Argument<string[]> _words;

    public RunOptions(ArgumentArity arity) => _words = new Argument<string[]>(CommandWords.Name)
    {
        Description = "The command and its arguments, after --.",
        Arity = arity,
    };

    public void AddTo(Command command)
    {
        command.Add(_ttl);
        command.Add(_wait);
        command.Add(_grace);
        command.Add(_maxHold);
        command.Add(_words);
    }

    /// <summary>What is wrong with them, or null.</summary>
    public string? MistakeIn(ParseResult parsed)
    {
        if (IsNameMissing(parsed))
        {
            return "The NAME is missing before --.";
        }
        if (Ttl(parsed) < ShortestTtl)
        {
            return "--ttl is 1s at least.";
        }
        if (MaxHold(parsed) < ShortestTtl)
        {
            return "--max-hold is 1s at least.";
        }
        return parsed.GetValue(_grace) > HoldSchedule.LongestGrace(Ttl(parsed), MaxHold(parsed))
            ? "--grace is a quarter of the TTL at most, and of --max-hold." : null;
    }

    public TimeSpan Ttl(ParseResult parsed) => parsed.GetValue(_ttl) ?? DefaultTtl;

    public TimeSpan? MaxHold(ParseResult parsed) => parsed.GetValue(_maxHold);

    public IReadOnlyList<string> Words(ParseResult parsed) => parsed.GetValue(_words) ?? [];

    /// <summary>Holds the target while the command runs.</summary>
    public Task<int> RunCommandAsync(ParseResult parsed, CommandSession session, IHoldTarget target) =>
        RunAsync(parsed, session, target, parsed.GetValue(_grace), new CommandWork(BootTimeProvider.Instance, Words(parsed)));

    /// <summary>Holds the target until a signal comes.</summary>
    /// <param name="tell">Says that it is held.</param>
    public Task<int> HoldAsync(ParseResult parsed, CommandSession session, IHoldTarget target, Action tell) =>
        RunAsync(parsed, session, target, TimeSpan.Zero, new WaitForSignalWork(BootTimeProvider.Instance, tell));

    /// <summary>Whether the command's own first word would be taken for the name: <c>lock run -- make clean</c> must not run "clean" under a lock called "make".</summary>
    private static bool IsNameMissing(ParseResult parsed)
    {
        var name = parsed.CommandResult.Command.Arguments[0];
        var given = parsed.CommandResult.Children.OfType<ArgumentResult>().Where(result => result.Argument == name).SelectMany(result => result.Tokens);
        var after = parsed.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash);
        return given.Any(token => after.Any(other => ReferenceEquals(other, token)));
    }

    private Task<int> RunAsync(ParseResult parsed, CommandSession session, IHoldTarget target, TimeSpan? grace, IHeldWork work)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new UsageException($"'{CommandPath.Of(parsed)}' needs Linux: it relies on process groups and on a clock that counts suspension.");
        }
        var schedule = new HoldSchedule(Ttl(parsed), grace, MaxHold(parsed));
        return new HoldRunner(target, BootTimeProvider.Instance, session, parsed.GetValue(_wait), schedule, work).RunAsync();
    }
}
