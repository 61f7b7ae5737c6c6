using System.CommandLine;
using Consensus.Api.Fences;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary><c>fence check/show</c>.</summary>
internal static class FenceCommands
{
    public static Command Create(CommandHost host) => new("fence", "The highest fencing token that a resource has seen.") { Check(host), Show(host) };

    private static Command Check(CommandHost host)
    {
        var resource = Names.Argument("RESOURCE");
        var token = new Argument<long>("TOKEN") { Description = "The fencing token of an exclusive hold, such as $CONSENSUS_FENCING_TOKEN." };
        var command = new Command("check", "Lets a token pass that is the highest seen, and keeps it as that; one that is too old is exit code 1.") { resource, token };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.PassFenceAsync(parsed.GetRequiredValue(resource), parsed.GetRequiredValue(token), session.Cancellation),
            Table), givesAnswers: true);
        return command;
    }

    private static Command Show(CommandHost host)
    {
        var resource = Names.Argument("RESOURCE");
        var command = new Command("show", "Shows the highest token that a resource has seen.") { resource };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.GetFenceAsync(parsed.GetRequiredValue(resource), null, session.Cancellation), Table), givesAnswers: true);
        return command;
    }

    private static TextTable Table(FenceAnswer fence) => new TextTable("RESOURCE", "HIGHEST TOKEN").Add(fence.Resource, Plain.Number(fence.HighestToken));
}
