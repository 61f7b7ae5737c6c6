namespace Consensus.Server.Http;

/// <summary>How large something becomes in JSON, before it is written.</summary>
internal static class JsonSize
{
    /// <summary>Of bytes that are written as a string, or in base64 where they are no UTF-8; at least what they take.</summary>
    public static long OfText(ReadOnlySpan<byte> text)
    {
        const int Escaped = 6, Quoted = 2, Other = 2;
        var size = 0L;
        foreach (var value in text)
        {
            size += value switch
            {
                < 0x20 or 0x7F => Escaped,
                (byte)'"' or (byte)'\\' => Quoted,
                // Three bytes may become six: what no font shows is escaped.
                >= 0x80 => Other,
                _ => 1,
            };
        }
        return size;
    }
}
