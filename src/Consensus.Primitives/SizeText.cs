using System.Globalization;

namespace Consensus.Primitives;

/// <summary>Sizes as operators read them.</summary>
public static class SizeText
{
    private const long BytesOfMiB = 1 << 20;
    private const long Small = 10 * BytesOfMiB;

    /// <summary>What something takes, rounded up: "190 MiB", below 10 MiB with a decimal.</summary>
    public static string MiB(long bytes) => bytes < Small ? Tenths(((bytes * 10) + BytesOfMiB - 1) / BytesOfMiB) : Whole(((bytes - 1) / BytesOfMiB) + 1);

    /// <summary>What there is, rounded down.</summary>
    public static string FreeMiB(long bytes) => bytes < Small ? Tenths(bytes * 10 / BytesOfMiB) : Whole(bytes / BytesOfMiB);

    private static string Tenths(long tenths) => string.Create(CultureInfo.InvariantCulture, $"{tenths / 10}.{tenths % 10} MiB");

    private static string Whole(long size) => string.Create(CultureInfo.InvariantCulture, $"{size:N0} MiB");
}
