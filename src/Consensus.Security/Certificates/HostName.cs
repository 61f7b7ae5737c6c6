using System.Buffers;
using System.Net;

namespace Consensus.Security.Certificates;

/// <summary>What may stand in a certificate as a host: a DNS name without wildcard, or an address, in one form each.</summary>
internal static class HostName
{
    private const int MaxLength = 253;
    private const int MaxLabelLength = 63;

    // An underscore is no letter of a host name by the books, and stands in many a container's name.
    private static readonly SearchValues<char> Letters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>What every member answers to, as whoever stands at the machine knows it.</summary>
    public static IReadOnlyList<string> OfThisMachine { get; } = ["localhost", "127.0.0.1", "::1"];

    /// <summary>Brings a host to its one form: small letters, the short form of an IPv6 address.</summary>
    /// <exception cref="BundleException">It is none; the message says why.</exception>
    public static string Parse(string text)
    {
        if (text.Contains('*'))
        {
            throw new BundleException($"'{text}' has a wildcard: a member's certificate names each of its hosts");
        }
        if (IPAddress.TryParse(text, out var address) && (text.Contains(':') || address.ToString() == text))
        {
            return text.Contains('%') || text.Contains('[')
                ? throw new BundleException($"'{text}' is an address and more: brackets, a port and a zone do not belong to it")
                : address.ToString();
        }
        var name = text.ToLowerInvariant();
        return IsDnsName(name)
            ? name
            : throw new BundleException(
                $"'{text}' is no host: a DNS name such as db1.example.org, or an address such as 10.0.0.1 or fd00::1, without a port");
    }

    private static bool IsDnsName(string name)
    {
        var labels = name.Split('.');
        return name.Length is > 0 and <= MaxLength
            && labels.All(label => label.Length is > 0 and <= MaxLabelLength
                && label[0] != '-' && label[^1] != '-' && !label.AsSpan().ContainsAnyExcept(Letters))
            // What ends in a number is an address that somebody mistyped.
            && !labels[^1].All(char.IsAsciiDigit);
    }
}
