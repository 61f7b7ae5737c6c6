using System.Runtime.CompilerServices;
using System.Text;

namespace Consensus.Client;

/// <summary>Request targets, encoded so that the server's strict decoding (rule 26) gives back the very same key or name.</summary>
internal static class ApiPath
{
    private static ReadOnlySpan<byte> Unreserved => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"u8;

    /// <summary>A key or name as a path: '/' stays, every other reserved byte is percent-encoded.</summary>
    /// <exception cref="ArgumentException">It has half of a surrogate pair.</exception>
    public static string Encode(string name, [CallerArgumentExpression(nameof(name))] string? parameter = null) => EncodeBytes(name, keepSlash: true, parameter);

    /// <summary>A value of a query parameter.</summary>
    /// <exception cref="ArgumentException">It has half of a surrogate pair.</exception>
    public static string EncodeQuery(string value, [CallerArgumentExpression(nameof(value))] string? parameter = null) =>
        EncodeBytes(value, keepSlash: false, parameter);

    /// <summary>True when a name cannot be a path: "." and ".." segments are refused there, whatever their encoding.</summary>
    public static bool NeedsQuery(string name) => name.Split('/').Any(segment => segment is "." or "..");

    private static string EncodeBytes(string text, bool keepSlash, string? parameter)
    {
        WellFormed.Text(text, parameter);
        var result = new StringBuilder(text.Length);
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            if (Unreserved.Contains(value) || (keepSlash && value == '/'))
            {
                result.Append((char)value);
            }
            else
            {
                result.Append('%').Append(value.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            }
        }
        return result.ToString();
    }
}
