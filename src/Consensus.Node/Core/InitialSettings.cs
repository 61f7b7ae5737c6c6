using System.Collections.Immutable;
using System.Globalization;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>The settings that a member brings to a cluster which has none yet.</summary>
internal static class InitialSettings
{
    /// <summary>Of all settings, so that members of different versions, or with different options, never judge by different ones.</summary>
    public static ImmutableArray<SettingValue> Of(NodeCoreOptions options) =>
        [.. SettingDefinition.All.Select(definition => new SettingValue(definition.Setting, Given(definition, options) ?? definition.ValueIn(options.Limits)))];

    /// <summary>One sentence where the cluster has other settings than this member was started with; null where it has not.</summary>
    /// <param name="inForce">What the cluster goes by.</param>
    public static string? Notice(NodeCoreOptions options, Limits inForce)
    {
        var others = SettingDefinition.All
            .Where(definition => Given(definition, options) is { } given && given != definition.ValueIn(inForce))
            .Select(definition => string.Create(CultureInfo.InvariantCulture, $"{definition.Name} is {definition.ValueIn(inForce)} there, not {Given(definition, options)}"))
            .ToList();
        return others.Count == 0
            ? null
            : $"what this member was started with for a new cluster is not read, for its cluster has its settings: {string.Join(", ", others)}; consensusctl settings shows and sets them";
    }

    private static long? Given(SettingDefinition definition, NodeCoreOptions options)
    {
        foreach (var (setting, value) in options.InitialSettings)
        {
            if (setting == definition.Setting)
            {
                return value;
            }
        }
        return null;
    }
}
