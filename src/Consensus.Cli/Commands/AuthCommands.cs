using System.CommandLine;
using Consensus.Api.Access;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>auth whoami/role/principal/token/revoke/revocations/unrevoke/check/enable</c>: who may do what.</summary>
internal static class AuthCommands
{
    public static Command Create(CommandHost host) =>
        new("auth", "Who may do what: roles, principals, tokens, revoked certificates; and who this is.")
    {
        Whoami(host),
        AuthRoleCommands.Create(host),
        AuthPrincipalCommands.Create(host),
        AuthTokenCommands.Create(host),
        AuthRevocationCommands.Revoke(host),
        AuthRevocationCommands.Unrevoke(host),
        AuthRevocationCommands.List(host),
        Check(host),
        Enable(host),
    };

    public static Option<long?> IfRevisionOption() => new("--if-revision")
    {
        Description = "Only while the policy is at this revision, as \"auth role show\" tells it; else nothing is done.",
        HelpName = "N",
    };

    public static TextTable Changed(PolicyChangedAnswer answer) =>
        new TextTable("CHANGED", "POLICY").Add(answer.Changed ? "yes" : "no", Text(answer.PolicyRevision));

    public static string Text(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static Command Whoami(CommandHost host)
    {
        var command = new Command("whoami", "Who this is to the cluster, by which credential, and with which roles.");
        host.Bind(
            command,
            async (_, session) => session.Show(await session.Client.GetWhoamiAsync(null, session.Cancellation), WhoamiTable),
            givesAnswers: true);
        return command;
    }

    private static Command Check(CommandHost host)
    {
        var principal = Names.Argument("PRINCIPAL", "Whose roles are asked about.");
        var verb = Names.Argument("VERB", "read, write, hold or break.");
        var space = Names.Argument("SPACE", "keys, locks, semaphores, elections or fences.");
        var name = Names.Argument("NAME", "Of the key, the lock and the like.");
        var prefix = new Option<bool>("--prefix") { Description = "NAME is a prefix: all names that begin with it." };
        var command = new Command("check", "Whether a principal's roles allow something.") { principal, verb, space, name, prefix };
        host.Bind(
            command,
            async (parsed, session) =>
            {
                var text = parsed.GetRequiredValue(name);
                var isPrefix = parsed.GetValue(prefix);
                var result = await session.Client.CheckAccessAsync(
                    new AccessCheckRequest(
                        parsed.GetRequiredValue(principal), parsed.GetRequiredValue(verb), parsed.GetRequiredValue(space))
                    {
                        Name = isPrefix ? null : text,
                        Prefix = isPrefix ? text : null,
                    },
                    session.Cancellation);
                var shown = session.Show(result, CheckTable);
                return result is { Succeeded: true, Value.Allowed: false } && shown == ExitCode.Done ? ExitCode.Refused : shown;
            },
            givesAnswers: true);
        return command;
    }

    private static Command Enable(CommandHost host)
    {
        var admin = Names.Option("--admin", "PRINCIPAL", "To whom the role admin is bound. Else to whoever asks.");
        var yes = new Option<bool>("--yes") { Description = "Do not ask." };
        var command = new Command(
            "enable", "Has rights judged from here on: what no role allows is refused. Nothing undoes it.") { admin, yes };
        host.Bind(
            command,
            async (parsed, session) =>
                parsed.GetValue(yes) || await Confirmation.AskAsync(
                    session, "From here on nobody may do what no role allows, and nothing undoes it. Enable?")
                ? session.Show(await session.Client.EnableAccessAsync(parsed.GetValue(admin), session.Cancellation), Changed)
                : ExitCode.Refused,
            givesAnswers: true);
        return command;
    }

    private static TextTable WhoamiTable(WhoamiAnswer who)
    {
        var table = new TextTable("PRINCIPAL", "CREDENTIAL", "BOUND AS", "ROLE", "RULE", "POLICY");
        var (principal, policy) = (who.Principal.Length == 0 ? "anonymous" : who.Principal, Text(who.PolicyRevision));
        var state = !who.Enabled
            ? "rights are not judged yet: everything is allowed"
            : who.Disabled ? "disabled: everything is refused" : null;
        if (state is not null || who.Roles is not { Count: > 0 })
        {
            table.Add(principal, who.Credential, who.BoundAs, null, state ?? "no roles: everything is refused", policy);
        }
        foreach (var role in who.Roles ?? [])
        {
            foreach (var rule in AuthRoleCommands.RulesOf(role))
            {
                table.Add(principal, who.Credential, who.BoundAs, role.Name, rule, policy);
            }
        }
        return table;
    }

    private static TextTable CheckTable(AccessCheckAnswer answer) => new TextTable("ALLOWED", "WHY NOT", "POLICY")
        .Add(
            answer.Allowed ? "yes" : "no",
            answer.Reason ?? (answer.Enabled ? null : "rights are not judged yet: everything is allowed"),
            Text(answer.PolicyRevision));
}
