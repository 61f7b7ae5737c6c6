using System.Text;

namespace Consensus.Client;

/// <summary>Keys and values come as text, or in base 64 where they are not UTF-8.</summary>
internal static class KeyText
{
    public static string Of(string? text, string? base64) => text ?? Encoding.UTF8.GetString(Bytes(null, base64));

    /// <exception cref="ConsensusException">What should be base 64 is not: it does not come from a member.</exception>
    public static byte[] Bytes(string? text, string? base64)
    {
        if (text is not null || base64 is null)
        {
            return text is null ? [] : Encoding.UTF8.GetBytes(text);
        }
        try
        {
            return Convert.FromBase64String(base64);
        }
        catch (FormatException)
        {
            throw new ConsensusException(new ApiProblem(ApiFailureKind.Unavailable, 200, "", "The endpoint does not answer as a Consensus member does: a key or value is not base 64."));
        }
    }
}
