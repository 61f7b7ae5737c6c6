using System.CommandLine;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>release NAME TOKEN</c> and <c>release NAME [TOKEN] --force [--yes]</c> of locks and semaphores.</summary>
internal static class ReleaseCommand
{
    public delegate Task<ApiResult<EmptyAnswer>> Release(CommandSession session, string name, long token);

    public delegate Task<ApiResult<EmptyAnswer>> ForceRelease(CommandSession session, string name, long? token);

    /// <param name="what">"lock" or "semaphore".</param>
    public static Command Create(CommandHost host, string what, Release release, ForceRelease forceRelease)
    {
        var name = Names.Argument("NAME");
        var token = new Argument<long?>("TOKEN")
        {
            Description = $"The fencing token that '{what} acquire' showed. With --force it may be left out: all holds.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var force = new Option<bool>("--force") { Description = "Break the hold, whoever has it. Its holder is not stopped by that: see fencing tokens." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask before --force." };
        var command = new Command("release", $"Gives a {what} back.") { name, token, force, yes };
        string? Check(ParseResult parsed) => (parsed.GetValue(token), parsed.GetValue(force), parsed.GetValue(yes)) switch
        {
            (null, false, _) => $"Give the TOKEN that '{what} acquire' showed.",
            (_, false, true) => "--yes goes with --force.",
            _ => null,
        };
        host.Bind(command, async (parsed, session) =>
        {
            var (held, number) = (parsed.GetRequiredValue(name), parsed.GetValue(token));
            if (!parsed.GetValue(force))
            {
                return Show(session, held, await release(session, held, number ?? 0));
            }
            var which = number is { } one ? $"the hold with token {Plain.Number(one)}" : "every hold";
            var question = $"Break {which} of {what} '{Plain.OneLine(held)}'? What its holder is doing goes on.";
            if (!parsed.GetValue(yes) && !await Confirmation.AskAsync(session, question))
            {
                await session.Environment.Error.WriteLineAsync("consensusctl: nothing was done.");
                return ExitCode.Refused;
            }
            return Show(session, held, await forceRelease(session, held, number));
        }, Check, givesAnswers: true);
        return command;
    }

    private static int Show(CommandSession session, string name, ApiResult<EmptyAnswer> result) =>
        session.Show(result, _ => new TextTable("RELEASED").Add(name));
}
