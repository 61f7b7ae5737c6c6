using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Format;

namespace Consensus.Storage.Formation;

/// <summary>The file that says whose data directory it is: replaced as a whole, by a rename. Never sealed: it holds no secret.</summary>
internal static class IdentityFile
{
    public const string Name = "identity";
    public const string TemporaryName = "identity.tmp";

    private static ReadOnlySpan<byte> Magic => "CNSSIDNT"u8;

    /// <summary>Throws <see cref="StorageRefusedException"/> when the file is damaged or of another version.</summary>
    public static DirectoryIdentity Read(IDisk disk, string directory)
    {
        var path = Path.Combine(directory, Name);
        using var file = disk.Open(path, writable: false);
        try
        {
            return Parse(FileHeader.Read(file, Magic));
        }
        catch (WireFormatException e)
        {
            throw new StorageRefusedException($"{path} {e.Message}");
        }
    }

    /// <summary>When this returns the identity is durable; a crash before leaves the old one, or none.</summary>
    public static void Write(IDisk disk, string directory, DirectoryIdentity identity)
    {
        var temporary = Path.Combine(directory, TemporaryName);
        if (disk.FileExists(temporary))
        {
            disk.Delete(temporary);
        }
        var writer = new WireWriter();
        FileHeader.Write(writer, Magic, body =>
        {
            body.String(1, identity.Name);
            body.Fixed64(2, (ulong)identity.Incarnation);
            body.Bytes(3, identity.TokenDigest.Span);
            body.Fixed64(4, (ulong)identity.Cluster.Value);
            body.Fixed64(5, (ulong)identity.Member.Value);
        }, keys: null);
        using (var file = disk.CreateNew(temporary))
        {
            file.Write(0, writer.Written);
            file.Sync();
        }
        disk.Rename(temporary, Path.Combine(directory, Name));
        disk.SyncDirectory(directory);
    }

    private static DirectoryIdentity Parse(FileHead head)
    {
        if (head.Key is not null)
        {
            throw new WireFormatException("is encrypted, which an identity never is");
        }
        var name = "";
        long incarnation = 0, cluster = 0, member = 0;
        byte[] digest = [];
        var reader = new WireReader(head.Body);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1: name = reader.String(); break;
                case 2: incarnation = (long)reader.Fixed64(); break;
                case 3: digest = reader.Bytes().ToArray(); break;
                case 4: cluster = (long)reader.Fixed64(); break;
                case 5: member = (long)reader.Fixed64(); break;
                default: reader.RefuseUnknown("it"); break;
            }
        }
        return new DirectoryIdentity(name, incarnation, digest, new ClusterId(cluster), new MemberId(member));
    }
}
