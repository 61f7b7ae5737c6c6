using System.Globalization;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Storage.Snapshots;

/// <summary>Names of snapshot files: last index and last term, sixteen hexadecimal digits each.</summary>
internal static class SnapshotName
{
    public const string Extension = ".snap";
    public const string TemporaryExtension = ".tmp";
    private const int Digits = 16;

    public static string Of(SnapshotMark mark) =>
        string.Create(CultureInfo.InvariantCulture, $"{mark.LastIndex.Value:x16}-{mark.LastTerm.Value:x16}{Extension}");

    public static bool TryParse(string name, out LogIndex lastIndex)
    {
        lastIndex = LogIndex.Zero;
        if (name.Length != (2 * Digits) + 1 + Extension.Length
            || name[Digits] != '-'
            || !name.EndsWith(Extension, StringComparison.Ordinal)
            || !long.TryParse(name.AsSpan(0, Digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var index)
            || !long.TryParse(name.AsSpan(Digits + 1, Digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _))
        {
            return false;
        }
        lastIndex = new LogIndex(index);
        return true;
    }

    public static bool IsTemporary(string name) => name.EndsWith(TemporaryExtension, StringComparison.Ordinal);
}
