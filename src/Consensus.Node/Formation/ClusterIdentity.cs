using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Consensus.Primitives;

namespace Consensus.Node.Formation;

/// <summary>A member of the initial cluster as met at the first start.</summary>
/// <param name="Incarnation">Random, chosen when its data directory was made (rule 7).</param>
public sealed record InitialMember(string Name, string PeerAddress, long Incarnation);

/// <summary>Derives the ids that every initial member computes alike once it met all the others.</summary>
public static class ClusterIdentity
{
    /// <summary>Name and incarnation make the member: a wiped data directory is another member.</summary>
    public static MemberId MemberIdOf(string name, long incarnation) => new(Digest(writer =>
    {
        writer.Text("member");
        writer.Text(name);
        writer.Number(incarnation);
    }));

    /// <summary>Cluster id over the token and all initial members, in order of their names' bytes.</summary>
    public static ClusterId ClusterIdOf(string token, IEnumerable<InitialMember> members) => new(Digest(writer =>
    {
        writer.Text("cluster");
        writer.Text(token);
        foreach (var member in members.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            writer.Text(member.Name);
            writer.Number(member.Incarnation);
        }
    }));

    /// <summary>32 bytes that members compare to learn that they were started for the same cluster, without sending the token.</summary>
    public static byte[] TokenDigest(string token) => SHA256.HashData(Encoding.UTF8.GetBytes("consensus token\0" + token));

    private static long Digest(Action<DigestInput> write)
    {
        using var input = new DigestInput();
        write(input);
        var value = BinaryPrimitives.ReadInt64BigEndian(input.Finish()) & long.MaxValue;
        return value == 0 ? 1 : value;
    }

    private sealed class DigestInput : IDisposable
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public void Text(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            Number(bytes.Length);
            _hash.AppendData(bytes);
        }

        public void Number(long number)
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
            _hash.AppendData(bytes);
        }

        public byte[] Finish() => _hash.GetHashAndReset();

        public void Dispose() => _hash.Dispose();
    }
}
