using System.Globalization;

namespace Consensus.Api.Settings;

/// <summary>Sizes as people write them: a whole number of bytes, or with B, KiB, MiB, GiB or TiB.</summary>
public static class SizeText
{
    private static readonly (string Unit, long Bytes)[] Units = [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("B", 1)];

    public static bool TryParse(string text, out long bytes)
    {
        var (unit, factor) = Units.FirstOrDefault(known => text.EndsWith(known.Unit, StringComparison.Ordinal), ("", 1));
        var isNumber = long.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        bytes = isNumber && number <= long.MaxValue / factor ? number * factor : -1;
        return bytes >= 0;
    }

    /// <summary>In the largest unit of which it is a whole number.</summary>
    public static string Format(long bytes)
    {
        var (unit, factor) = Units.First(known => bytes % known.Bytes == 0 && (bytes > 0 || known.Bytes == 1));
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / factor}{unit}");
    }
}
