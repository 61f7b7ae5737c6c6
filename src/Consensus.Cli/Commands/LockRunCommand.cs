using System.CommandLine;
using Consensus.Cli.LockRun;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary><c>lock run NAME [--ttl --wait --owner --grace] -- CMD ARGS…</c>.</summary>
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
            (parsed, session) => run.RunCommandAsync(parsed, session, new LockTarget(
                session.Client, parsed.GetRequiredValue(name), parsed.GetValue(owner) ?? HoldOptions.DefaultOwner(), run.Ttl(parsed))),
            run.MistakeIn,
            hasOtherWork: true);
        return command;
    }
}
