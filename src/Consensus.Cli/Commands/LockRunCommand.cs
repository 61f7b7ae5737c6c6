using System.CommandLine;
using Consensus.Cli.LockRun;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>lock run NAME [--ttl --wait --owner --grace --max-hold] -- CMD ARGS…</c>.</summary>
internal static class LockRunCommand
{
    public static Command Create(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var owner = HoldOptions.Owner();
        var run = new RunOptions(ArgumentArity.OneOrMore);
        var command = new Command("run", "Runs a command while holding a lock; ends it before the lock can be lost.") { name, owner };
        run.AddTo(command);
        host.Bind(
            command,
            (parsed, session) =>
            {
                var options = new LockOptions
                {
                    Owner = parsed.GetValue(owner) ?? HoldOptions.DefaultOwner(),
                    Ttl = run.Ttl(parsed),
                    MaxHold = run.MaxHold(parsed),
                };
                return run.RunCommandAsync(parsed, session, new LockTarget(parsed.GetRequiredValue(name), options));
            },
            run.MistakeIn,
            hasOtherWork: true);
        return command;
    }
}
