using System.CommandLine;
using Consensus.Cli.LockRun;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary><c>lock run NAME [--ttl --wait --owner --grace] -- CMD ARGS…</c>.</summary>
internal static class LockRunCommand
{
    private static readonly TimeSpan DefaultTtl = TimeSpan.FromSeconds(15);

    /// <summary>Below this the margins of <see cref="HoldSchedule"/> are shorter than a busy machine's delays.</summary>
    private static readonly TimeSpan ShortestTtl = TimeSpan.FromSeconds(1);

    public static Command Create(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var words = new Argument<string[]>("CMD")
        {
            Description = "The command and its arguments, after --.",
            Arity = ArgumentArity.OneOrMore,
        };
        var ttl = Durations.Option("--ttl", "How long the lock outlives this process's last renewal. Default 15s, at least 1s.");
        var wait = Durations.Option("--wait", "How long to wait for the lock; 0 does not wait. Default: as long as it takes.");
        var owner = new Option<string?>("--owner") { Description = "Who holds it. Default: host, process and a random part." };
        var grace = Durations.Option(
            "--grace", "Time between SIGTERM and SIGKILL, at most a quarter of the TTL. Default: that, or 5s if it is less.");
        var command = new Command("run", "Runs a command while holding a lock; ends it before the lock can be lost.")
        {
            name, ttl, wait, owner, grace, words,
        };
        string? Check(ParseResult parsed)
        {
            var length = parsed.GetValue(ttl) ?? DefaultTtl;
            if (length < ShortestTtl)
            {
                return "--ttl is 1s at least.";
            }
            if (parsed.GetValue(grace) > HoldSchedule.LongestGrace(length))
            {
                return "--grace is a quarter of the TTL at most.";
            }
            return null;
        }
        host.Bind(command, async (parsed, session) =>
        {
            if (!OperatingSystem.IsLinux())
            {
                throw new UsageException("'lock run' needs Linux: it relies on process groups and on a clock that counts suspension.");
            }
            var options = new LockRunOptions(
                parsed.GetRequiredValue(name),
                parsed.GetValue(owner) ?? LockCommands.DefaultOwner(),
                parsed.GetValue(ttl) ?? DefaultTtl,
                parsed.GetValue(wait),
                parsed.GetValue(grace),
                parsed.GetRequiredValue(words));
            var runner = new LockRunner(session.Client, new BootTimeProvider(), session.Environment.Error, options);
            return await runner.RunAsync();
        }, Check);
        return command;
    }
}
