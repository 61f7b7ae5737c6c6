using Consensus.StateMachine;

namespace Consensus.Translation;

/// <summary>How large texts are in an answer.</summary>
public static class JsonTexts
{
    /// <summary>
    /// Bytes of a key as text, of which JSON may write a byte as six and each of a character beyond ASCII as three, or as base64 where it
    /// is none. MessagePack never has more.
    /// </summary>
    public static long MostBytesOf(Key key)
    {
        var bytes = 0L;
        foreach (var each in key.Bytes)
        {
            bytes += each > 0x7F ? 3 : each is < 0x20 or 0x7F || "\"&'+<>\\`".Contains((char)each) ? 6 : 1;
        }
        return Math.Max(bytes, (key.Length + 2L) / 3 * 4);
    }
}
