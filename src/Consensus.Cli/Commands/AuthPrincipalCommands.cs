using System.CommandLine;
using Consensus.Api.Access;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>auth principal list/show/set/delete</c>: who has which roles.</summary>
internal static class AuthPrincipalCommands
{
    public static Command Create(CommandHost host) =>
        new("principal", "Principals: who has which roles.") { List(host), Show(host), Set(host), Delete(host) };

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the principals to which something is bound.");
        host.Bind(
            command,
            (_, session) => Pages.ShowAsync<PrincipalListAnswer, PrincipalAnswer>(
                session,
                (cursor, _) => session.Client.ListPrincipalsAsync(new ListQuery { Cursor = cursor }, session.Cancellation),
                static page => page.Items,
                static page => page.NextCursor,
                Rows),
            givesAnswers: true);
        return command;
    }

    private static Command Show(CommandHost host)
    {
        var name = Names.Argument("NAME", "A principal, as \"auth principal list\" lists them.");
        var command = new Command("show", "Shows what is bound to a principal.") { name };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.GetPrincipalAsync(parsed.GetRequiredValue(name), null, session.Cancellation),
                static principal => Rows([principal])),
            givesAnswers: true);
        return command;
    }

    private static Command Set(CommandHost host)
    {
        var name = Names.Argument("NAME", "The name in its certificate; with a final *: every name that begins so.");
        var role = new Option<string[]>("--role")
        {
            Description = "A role that it has. May be given again; without it, it has none.",
            HelpName = "ROLE",
        };
        var disabled = new Option<bool>("--disabled") { Description = "All is refused to it, whatever its roles." };
        var limits = new LimitOptions();
        var ifRevision = AuthCommands.IfRevisionOption();
        var command = new Command("set", "Gives a principal these roles and bounds, and no others.") { name, role, disabled, ifRevision };
        limits.AddTo(command);
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.PutPrincipalAsync(
                    parsed.GetRequiredValue(name),
                    parsed.GetValue(role) ?? [],
                    parsed.GetValue(disabled),
                    limits.Read(parsed),
                    parsed.GetValue(ifRevision),
                    session.Cancellation),
                AuthCommands.Changed),
            givesAnswers: true);
        return command;
    }

    private static Command Delete(CommandHost host)
    {
        var name = Names.Argument("NAME", "A principal, as \"auth principal list\" lists them.");
        var ifRevision = AuthCommands.IfRevisionOption();
        var command = new Command("delete", "Takes all roles from a principal.") { name, ifRevision };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.DeletePrincipalAsync(
                    parsed.GetRequiredValue(name), parsed.GetValue(ifRevision), session.Cancellation), AuthCommands.Changed),
            givesAnswers: true);
        return command;
    }

    private static TextTable Rows(IReadOnlyList<PrincipalAnswer> principals)
    {
        var table = new TextTable("PRINCIPAL", "ROLES", "DISABLED", "LIMITS", "POLICY");
        foreach (var principal in principals)
        {
            table.Add(
                principal.Name,
                string.Join(',', principal.Roles),
                principal.Disabled ? "yes" : null,
                LimitOptions.Show(principal.Limits),
                AuthCommands.Text(principal.PolicyRevision));
        }
        return table;
    }
}
