using System.CommandLine;
using System.Text.Json.Nodes;
using Consensus.Api.Access;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;
using Consensus.Security.Certificates;
using Consensus.Security.Tokens;

namespace Consensus.Cli.Commands;

/// <summary>
/// <c>auth token create/rotate/list/revoke</c>. A secret is made here, and goes into a file or to standard output; the cluster is told its
/// hash alone. No command line has one, for every process of the machine reads those.
/// </summary>
internal static class AuthTokenCommands
{
    /// <summary>What uses the old token reads its file again within a minute, or when it is refused.</summary>
    private static readonly TimeSpan UsualOverlap = TimeSpan.FromMinutes(5);

    public static Command Create(CommandHost host) =>
        new("token", "Tokens, by which programs are known that have no certificate.") { Make(host), Rotate(host), List(host), Revoke(host) };

    private static Command Make(CommandHost host)
    {
        var principal = Names.Argument("PRINCIPAL", "Whose it is: a name, to which roles may be bound.");
        var ttl = Durations.Option("--ttl", "For how long it is good, a year at most. Default 90d.");
        var file = Names.Option("--out", "FILE", "Where it is written, for its user alone to read; one that is there is not overwritten. Else standard output.");
        var command = new Command("create", "Makes a token, and tells it this once.") { principal, ttl, file };
        host.Bind(command, (parsed, session) => Guarded(session, async () =>
        {
            var token = BearerToken.Create();
            var path = parsed.GetValue(file);
            if (path is not null)
            {
                // First, so that none is made that nobody could be told.
                TokenFile.WriteNew(path, token);
            }
            var made = await session.Client.PutTokenAsync(
                token.Id, token.SecretHash.ToArray(), parsed.GetRequiredValue(principal), parsed.GetValue(ttl), session.Cancellation);
            if (!made.Succeeded)
            {
                if (path is not null && made.Problem.Kind != ApiFailureKind.OutcomeUnknown)
                {
                    File.Delete(path);
                }
                return session.Fail(made.Problem);
            }
            return await TellAsync(session, token, path);
        }));
        return command;
    }

    private static Command Rotate(CommandHost host)
    {
        var overlap = Durations.Option("--overlap", "For how long the one before is good still. Default 5m.");
        var ttl = Durations.Option("--ttl", "For how long it is good, no longer than the one before. Default: as long.");
        var command = new Command("rotate", "Puts another token into the token file, of the same principal, and ends the one that was there.")
        {
            overlap, ttl,
        };
        host.Bind(command, (parsed, session) => Guarded(session, async () =>
        {
            if (session.Options.Token is not { TokenFile: var path } shown)
            {
                throw new UsageException("There is no token file to put another into: give --token-file FILE.");
            }
            // A token ends itself and no other: all of this is asked with the one before, for however long a cluster is asked.
            var before = shown.Keep()
                ?? throw new UsageException($"{path} holds a JSON Web Token: its issuer makes the next one, and no member does.");
            var token = BearerToken.Create();
            var made = await session.Client.PutTokenAsync(
                token.Id, token.SecretHash.ToArray(), null, parsed.GetValue(ttl), session.Cancellation);
            if (!made.Succeeded)
            {
                return session.Fail(made.Problem);
            }
            TokenFile.Replace(path, token);
            var ended = await session.Client.EndTokenAsync(
                before.Id, only: true, parsed.GetValue(overlap) ?? UsualOverlap, session.Cancellation);
            return ended.Succeeded ? await TellAsync(session, token, path) : session.Fail(ended.Problem);
        }));
        return command;
    }

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the tokens, without what they are known by.");
        host.Bind(
            command,
            (_, session) => Pages.ShowAsync<TokenListAnswer, TokenAnswer>(
                session,
                (cursor, _) => session.Client.ListTokensAsync(new ListQuery { Cursor = cursor }, session.Cancellation),
                static page => page.Items,
                static page => page.NextCursor,
                Rows),
            givesAnswers: true);
        return command;
    }

    private static Command Revoke(CommandHost host)
    {
        var id = Names.Argument("ID", "A token's id, as \"auth token list\" lists them: what stands behind cns1_, 11 letters.");
        var only = new Option<bool>("--only") { Description = "Not those that came of it by rotation, or of the same." };
        var command = new Command("revoke", "Ends a token and its whole family: nothing that is asked with it takes effect any more.") { id, only };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.EndTokenAsync(parsed.GetRequiredValue(id), parsed.GetValue(only), null, session.Cancellation),
                AuthCommands.Changed),
            givesAnswers: true);
        return command;
    }

    /// <summary>Tells what was made: the token itself where no file has it.</summary>
    private static async Task<int> TellAsync(CommandSession session, BearerToken token, string? path)
    {
        var known = await session.Client.GetTokenAsync(token.Id, null, session.Cancellation);
        if (session.Format == OutputFormat.Json)
        {
            session.WriteJson(new JsonObject
            {
                ["token"] = path is null ? token.Text : null,
                ["file"] = path,
                ["id"] = token.Id,
                ["principal"] = known.Value?.Principal,
                ["notAfter"] = known.Value?.NotAfter,
            }.ToJsonString());
            return ExitCode.Done;
        }
        if (path is null)
        {
            await session.Environment.Output.WriteLineAsync(token.Text);
        }
        var where = path is null ? "It is told this once." : $"It is in {path}.";
        var until = known.Value is { } made ? $" of {made.Principal} until {made.NotAfter}" : "";
        await session.Environment.Error.WriteLineAsync(Plain.OneLine($"token {token.Id}{until}. {where}"));
        return ExitCode.Done;
    }

    private static async Task<int> Guarded(CommandSession session, Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (BundleException refusal)
        {
            await session.Environment.Error.WriteLineAsync($"consensusctl: {Plain.OneLine(refusal.Message)}.");
            return ExitCode.Refused;
        }
    }

    private static TextTable Rows(IReadOnlyList<TokenAnswer> tokens)
    {
        var table = new TextTable("ID", "PRINCIPAL", "FAMILY", "UNTIL", "POLICY");
        foreach (var token in tokens)
        {
            table.Add(token.Id, token.Principal, token.Family, token.NotAfter, AuthCommands.Text(token.PolicyRevision));
        }
        return table;
    }
}
