using System.Buffers.Text;

namespace Consensus.Benchmarks.Http;

/// <summary>Finds one number in a short JSON answer without parsing the rest.</summary>
internal static class JsonScan
{
    /// <summary>
    /// The number behind the first occurrence of <paramref name="quotedName"/> (with its quotes), bare or as a string, as etcd writes
    /// 64-bit numbers.
    /// </summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> json, ReadOnlySpan<byte> quotedName, out long number)
    {
        number = 0;
        var at = json.IndexOf(quotedName);
        if (at < 0)
        {
            return false;
        }

        var rest = json[(at + quotedName.Length)..].TrimStart(" :\""u8);
        return Utf8Parser.TryParse(rest, out number, out _);
    }
}
