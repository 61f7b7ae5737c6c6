using Consensus.Api.Settings;
using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Translation;

/// <summary>Settings as people read and write them.</summary>
public static class SettingTexts
{
    public static string UnitOf(SettingDefinition definition) => definition.Unit switch
    {
        SettingUnit.Bytes => SettingUnits.Bytes,
        SettingUnit.Milliseconds => SettingUnits.Milliseconds,
        SettingUnit.Count => SettingUnits.Count,
        _ => Invariant.Unreachable<string>(definition.Unit),
    };

    public static string Of(SettingDefinition definition, long value) => SettingUnits.Format(UnitOf(definition), value);

    /// <summary>What a value that is not taken is told: as people write it, and as the API takes it where that is another.</summary>
    public static string Range(SettingDefinition definition) =>
        $"{definition.Name} is from {Of(definition, definition.Least)} to {Of(definition, definition.Most)}"
        + (definition.Unit == SettingUnit.Count ? "" : $" ({definition.Least} to {definition.Most})");

    /// <summary>Reads <c>name=value</c>; gives null with what is wrong of it.</summary>
    public static SettingValue? TryRead(string entry, out string? mistake)
    {
        var equals = entry.IndexOf('=', StringComparison.Ordinal);
        var definition = equals < 0 ? null : SettingDefinition.Find(entry[..equals].Trim());
        mistake = null;
        if (definition is null)
        {
            mistake = $"has the entry \"{entry}\", not a setting and its value such as {SettingDefinition.All[0].Name}=8GiB; the settings are "
                + string.Join(", ", SettingDefinition.All.Select(known => known.Name));
        }
        else if (!SettingUnits.TryParse(UnitOf(definition), entry[(equals + 1)..].Trim(), out var value))
        {
            mistake = $"has the entry \"{entry}\", whose value is not {SettingUnits.Expected(UnitOf(definition))}";
        }
        else if (value < definition.Least || value > definition.Most)
        {
            mistake = $"has the entry \"{entry}\"; {Range(definition)}";
        }
        else
        {
            return new SettingValue(definition.Setting, value);
        }
        return null;
    }
}
