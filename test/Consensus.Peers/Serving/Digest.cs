using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Consensus.Peers.Serving;

/// <summary>Numbers that every member makes of the same words.</summary>
internal static class Digest
{
    /// <summary>63 bits, never 0.</summary>
    public static long Of(string kind, string text)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\0{text}"));
        return Math.Max(1, BinaryPrimitives.ReadInt64BigEndian(hash) & long.MaxValue);
    }
}
