using System.Collections.Immutable;

namespace Consensus.StateMachine;

/// <summary>A bound that an operator may change, in the log and so at the same place on every member. The numbers are in logs and snapshots.</summary>
public enum Setting
{
    QuotaBytes = 1,
    HistoryBytes = 2,
    HistoryMs = 3,
    MaxLeases = 4,

    /// <summary>Locks, semaphores and elections in use.</summary>
    MaxObjects = 5,
    MaxWaiters = 6,
    MaxFences = 7,
}

/// <summary>What a setting's value counts.</summary>
public enum SettingUnit
{
    Bytes,
    Milliseconds,
    Count,
}

public readonly record struct SettingValue(Setting Setting, long Value);

/// <summary>
/// What is known of a setting. It takes the place of one of the <see cref="Limits"/>; the others stay as they are in a version, most because what one command may touch hangs on
/// them (rule 9).
/// </summary>
public sealed class SettingDefinition
{
    private const long MiB = 1L << 20;
    private const long GiB = 1L << 30;
    private const long Day = 24L * 3600 * 1000;

    private readonly Func<Limits, long> _read;
    private readonly Func<Limits, long, Limits> _write;

    private SettingDefinition(Setting setting, string name, SettingUnit unit, long least, long most, Func<Limits, long> read, Func<Limits, long, Limits> write) =>
        (Setting, Name, Unit, Least, Most, _read, _write) = (setting, name, unit, least, most, read, write);

    /// <summary>In the order of their numbers, which has no gaps.</summary>
    public static ImmutableArray<SettingDefinition> All { get; } =
    [
        // Not below what the answers kept for retries come to: they alone could fill the store, and it would refuse everything until the oldest go.
        new(Setting.QuotaBytes, "quota-bytes", SettingUnit.Bytes, 256 * MiB, 1024 * GiB, l => l.MaxStateBytes, (l, value) => l with { MaxStateBytes = value }),
        new(Setting.HistoryBytes, "history-bytes", SettingUnit.Bytes, 8 * MiB, 16 * GiB, l => l.MaxHistoryBytes, (l, value) => l with { MaxHistoryBytes = value }),
        new(
            Setting.HistoryMs,
            "history-ms",
            SettingUnit.Milliseconds,
            Limits.Default.HistoryKeepMicros / 1_000,
            7 * Day,
            l => l.HistoryKeepMicros / 1_000,
            (l, value) => l with { HistoryKeepMicros = value * 1_000 }),
        new(Setting.MaxLeases, "max-leases", SettingUnit.Count, 1_000, 20_000_000, l => l.MaxLeases, (l, value) => l with { MaxLeases = value }),
        new(Setting.MaxObjects, "max-locks", SettingUnit.Count, 1_000, 10_000_000, l => l.MaxObjects, (l, value) => l with { MaxObjects = value }),
        new(Setting.MaxWaiters, "max-waiters", SettingUnit.Count, 1_000, 10_000_000, l => l.MaxWaiters, (l, value) => l with { MaxWaiters = value }),
        new(Setting.MaxFences, "max-fences", SettingUnit.Count, 1_000, 10_000_000, l => l.MaxFences, (l, value) => l with { MaxFences = value }),
    ];

    public Setting Setting { get; }

    /// <summary>In paths, options and commands.</summary>
    public string Name { get; }

    public SettingUnit Unit { get; }

    public long Least { get; }

    public long Most { get; }

    /// <summary>That of this version.</summary>
    public long Default => _read(Limits.Default);

    public static SettingDefinition Of(Setting setting) => All[(int)setting - 1];

    /// <summary>Null when there is no setting of that name.</summary>
    public static SettingDefinition? Find(string name) => All.FirstOrDefault(definition => definition.Name == name);

    public bool Takes(long value) => value >= Least && value <= Most;

    public long ValueIn(Limits limits) => _read(limits);

    public Limits In(Limits limits, long value) => _write(limits, value);
}
