using System.CommandLine;
using Consensus.Api.Access;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary>
/// <c>auth role list/show/set/delete</c>. A rule is one word: <c>hold,read:locks:billing/</c> of a prefix, <c>read:keys:=config</c> of one
/// name.
/// </summary>
internal static class AuthRoleCommands
{
    /// <summary>Rules of a role that a list shows.</summary>
    private const int MostListed = 4;

    private const string RuleForm = "VERBS:SPACES:PREFIX, or VERBS:SPACES:=NAME for one name";

    public static Command Create(CommandHost host) =>
        new("role", "Roles: what their bearers may do.") { List(host), Show(host), Set(host), Delete(host) };

    /// <summary>As they are given to <c>set</c>, and what the role allows beside names.</summary>
    public static IEnumerable<string> RulesOf(RoleAnswer role)
    {
        var rules = (role.Rules ?? []).Select(TextOf).Concat((role.Rights ?? []).Select(static right => $"({right})")).ToList();
        return rules.Count > 0 ? rules : ["nothing"];
    }

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the roles, those that are built in first.");
        host.Bind(
            command,
            (_, session) => Pages.ShowAsync<RoleListAnswer, RoleAnswer>(
                session,
                (cursor, _) => session.Client.ListRolesAsync(new ListQuery { Cursor = cursor }, session.Cancellation),
                static page => page.Items,
                static page => page.NextCursor,
                RowsOfList),
            givesAnswers: true);
        return command;
    }

    private static Command Show(CommandHost host)
    {
        var name = Names.Argument("NAME", "A role, as \"auth role list\" lists them.");
        var command = new Command("show", "Shows what a role allows.") { name };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.GetRoleAsync(parsed.GetRequiredValue(name), null, session.Cancellation), RowsOf),
            givesAnswers: true);
        return command;
    }

    private static Command Set(CommandHost host)
    {
        var name = Names.Argument("NAME", "Letters, digits, '.', '_' and '-'.");
        var allow = new Option<string[]>("--allow")
        {
            Description = $"A rule: {RuleForm}. VERBS of read, write, hold, break; SPACES of keys, locks, semaphores, elections, fences; "
                + "an empty PREFIX covers all. May be given again.",
            HelpName = "RULE",
        };
        var ifRevision = AuthCommands.IfRevisionOption();
        var command = new Command("set", "Makes a role, or gives it these rules and no others.") { name, allow, ifRevision };
        host.Bind(
            command,
            async (parsed, session) =>
            {
                var rules = (parsed.GetValue(allow) ?? []).Select(Read).ToList();
                foreach (var rule in rules)
                {
                    if (rule.Prefix is { Length: > 0 } prefix && !prefix.EndsWith('/'))
                    {
                        session.Environment.Error.WriteLine(Plain.OneLine(
                            $"consensusctl: note: the prefix {prefix} has no / at its end: it covers {prefix}-other and {prefix}2 too."));
                    }
                }
                return session.Show(
                    await session.Client.PutRoleAsync(
                        parsed.GetRequiredValue(name), rules, parsed.GetValue(ifRevision), session.Cancellation), AuthCommands.Changed);
            },
            givesAnswers: true);
        return command;
    }

    private static Command Delete(CommandHost host)
    {
        var name = Names.Argument("NAME", "A role that nobody has.");
        var ifRevision = AuthCommands.IfRevisionOption();
        var command = new Command("delete", "Deletes a role. Refused while a principal has it.") { name, ifRevision };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.DeleteRoleAsync(
                    parsed.GetRequiredValue(name), parsed.GetValue(ifRevision), session.Cancellation), AuthCommands.Changed),
            givesAnswers: true);
        return command;
    }

    private static AccessRuleMessage Read(string text)
    {
        var parts = text.Split(':', 3);
        if (parts.Length < 3 || parts[0].Length == 0 || parts[1].Length == 0 || parts[2] == "=")
        {
            throw new UsageException($"--allow is '{text}', and a rule is {RuleForm}.");
        }
        var isName = parts[2].StartsWith('=');
        return new AccessRuleMessage(parts[0].Split(','), parts[1].Split(','))
        {
            Name = isName ? parts[2][1..] : null,
            Prefix = isName ? null : parts[2],
        };
    }

    private static string TextOf(AccessRuleMessage rule)
    {
        var where = rule switch
        {
            { Name: { } name } => "=" + name,
            { NameBase64: { } name } => "=base64 " + name,
            { PrefixBase64: { } prefix } => "base64 " + prefix,
            _ => rule.Prefix,
        };
        return $"{string.Join(',', rule.Verbs)}:{string.Join(',', rule.Spaces)}:{where}";
    }

    /// <summary>One row for each role: with some of its rules where it has many.</summary>
    private static TextTable RowsOfList(IReadOnlyList<RoleAnswer> roles)
    {
        var table = new TextTable("ROLE", "BUILT IN", "ALLOWS", "POLICY");
        foreach (var role in roles)
        {
            var rules = RulesOf(role).ToList();
            var shown = string.Join("; ", rules.Take(MostListed));
            var allows = rules.Count > MostListed ? $"{shown}; and {rules.Count - MostListed} more" : shown;
            table.Add(role.Name, role.BuiltIn ? "yes" : null, allows, AuthCommands.Text(role.PolicyRevision));
        }
        return table;
    }

    /// <summary>One row for each rule, all of them.</summary>
    private static TextTable RowsOf(RoleAnswer role)
    {
        var table = new TextTable("ROLE", "BUILT IN", "ALLOWS", "POLICY");
        foreach (var rule in RulesOf(role))
        {
            table.Add(role.Name, role.BuiltIn ? "yes" : null, rule, AuthCommands.Text(role.PolicyRevision));
        }
        return table;
    }
}
