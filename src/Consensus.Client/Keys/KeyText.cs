using System.Text;

namespace Consensus.Client;

/// <summary>Keys and values come as text, or in base 64 where they are not UTF-8.</summary>
internal static class KeyText
{
    public static string Of(string? text, string? base64) => text ?? Encoding.UTF8.GetString(Bytes(null, base64));

    /// <summary>Of what was read, which is base 64 where it should be (<see cref="AnswerTypes"/>); empty where there is neither.</summary>
    public static byte[] Bytes(string? text, string? base64) =>
        text is not null ? Encoding.UTF8.GetBytes(text) : base64 is null ? [] : Convert.FromBase64String(base64);
}
