using System.CommandLine;
using Consensus.Api.Settings;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary><c>settings show/set/reset</c>.</summary>
internal static class SettingCommands
{
    public static Command Create(CommandHost host) => new("settings", "Bounds that are the same on every member: the quota, the history, how many of everything.")
    {
        Show(host),
        Set(host),
        Reset(host),
    };

    private static Command Show(CommandHost host)
    {
        var name = Names.OptionalArgument("NAME", "One of them; all without it.");
        var command = new Command("show", "Shows the settings of the cluster.") { name };
        host.Bind(command, async (parsed, session) => parsed.GetValue(name) is { } one
            ? session.Show(await session.Client.GetSettingAsync(one, null, session.Cancellation), Table)
            : session.Show(
                await session.Client.ListSettingsAsync(null, session.Cancellation), list => Rows(list.Items ?? [])), givesAnswers: true);
        return command;
    }

    private static Command Set(CommandHost host)
    {
        var name = Names.Argument("NAME", "A setting, as \"settings show\" lists them.");
        var value = Names.Argument("VALUE", "In the form in which \"settings show\" shows it: 8GiB, 10m, 2000000.");
        var command = new Command("set", "Changes a setting, on every member at the same place of the log.") { name, value };
        host.Bind(
            command,
            (parsed, session) => SetAsync(session, parsed.GetRequiredValue(name), parsed.GetRequiredValue(value)),
            givesAnswers: true);
        return command;
    }

    private static Command Reset(CommandHost host)
    {
        var name = Names.Argument("NAME", "A setting, as \"settings show\" lists them.");
        var command = new Command("reset", "Makes a setting what it is by default.") { name };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.ResetSettingAsync(parsed.GetRequiredValue(name), session.Cancellation), Table), givesAnswers: true);
        return command;
    }

    /// <summary>Only the cluster knows what a setting counts.</summary>
    private static async Task<int> SetAsync(CommandSession session, string name, string text)
    {
        var present = await session.Client.GetSettingAsync(name, null, session.Cancellation);
        if (!present.Succeeded)
        {
            return session.Fail(present.Problem);
        }
        return SettingUnits.TryParse(present.Value.Unit, text, out var value)
            ? session.Show(await session.Client.PutSettingAsync(name, value, session.Cancellation), Table)
            : throw new UsageException($"VALUE is '{text}', and {name} needs {SettingUnits.Expected(present.Value.Unit)}.");
    }

    private static TextTable Table(SettingAnswer setting) => Rows([setting]);

    private static TextTable Rows(IReadOnlyList<SettingAnswer> settings)
    {
        var table = new TextTable("SETTING", "VALUE", "DEFAULT", "LEAST", "MOST");
        foreach (var setting in settings)
        {
            string Text(long value) => SettingUnits.Format(setting.Unit, value);
            table.Add(setting.Name, Text(setting.Value), Text(setting.Default), Text(setting.Least), Text(setting.Most));
        }
        return table;
    }
}
