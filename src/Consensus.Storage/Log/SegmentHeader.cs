using System.Globalization;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Wire;
using Consensus.Storage.Disk;
using Consensus.Storage.Encryption;
using Consensus.Storage.Format;

namespace Consensus.Storage.Log;

/// <summary>
/// How a segment begins (rule 11): whose it is, where it stands in the chain, and everything that earlier segments said which recovery
/// needs, so that they can be deleted. A header is written once, when every earlier frame is durable.
/// </summary>
/// <param name="Sequence">1 for the first segment of a log; also the file's name.</param>
/// <param name="FirstFrame">Sequence of the first frame in it; every frame before it is durable.</param>
/// <param name="PreviousChecksum">Payload checksum of the frame before <paramref name="FirstFrame"/>; 0 in the first segment.</param>
/// <param name="AllocatedBytes">Length of the file from its creation on; a shorter file was cut off by something other than a crash.</param>
/// <param name="State">What all earlier segments add up to.</param>
internal sealed record SegmentHeader(long Sequence, long FirstFrame, uint PreviousChecksum, long AllocatedBytes, LogState State)
{
    private static ReadOnlySpan<byte> Magic => "CNSS-WAL"u8;

    /// <returns>Seals the frames that follow; null when they are plain.</returns>
    public FileCipher? Write(WireWriter writer, StorageIdentity identity, KeyRing? keys) => FileHeader.Write(writer, Magic, body =>
    {
        body.Fixed64(1, (ulong)identity.Cluster.Value);
        body.Fixed64(2, (ulong)identity.Member.Value);
        body.Fixed64(3, (ulong)identity.Incarnation);
        body.Int64(4, Sequence);
        body.Int64(5, FirstFrame);
        body.Int64(6, PreviousChecksum);
        body.Int64(7, AllocatedBytes);
        body.Int64(8, State.HardState.Term.Value);
        body.Fixed64(9, (ulong)State.HardState.VotedFor.Value);
        body.Int64(10, State.LastIndex.Value);
        var configuration = body.BeginMessage(11);
        RaftCodec.WriteConfiguration(body, State.Configuration);
        body.EndMessage(configuration);
        if (State.Mark is { } mark)
        {
            var start = body.BeginMessage(12);
            RaftCodec.WriteSnapshotMark(body, mark);
            body.EndMessage(start);
        }
    }, keys);

    /// <summary>Reads a segment's header and checks whose it is. Throws <see cref="WireFormatException"/>, as the end of a sentence about the file.</summary>
    /// <param name="head">As it is in the file: where the frames begin, and what opens them.</param>
    public static SegmentHeader Read(IDiskFile file, long sequence, StorageIdentity identity, out FileHead head)
    {
        head = FileHeader.Read(file, Magic);
        var (header, owner) = Parse(head.Body);
        if (owner.Cluster != identity.Cluster)
        {
            throw new WireFormatException($"belongs to cluster {owner.Cluster}, and this data directory to cluster {identity.Cluster}");
        }
        if (owner.Member != identity.Member || owner.Incarnation != identity.Incarnation)
        {
            throw new WireFormatException($"belongs to another member ({owner.Member}) than this data directory ({identity.Member})");
        }
        return header.Sequence == sequence
            ? header
            : throw new WireFormatException(string.Create(
                CultureInfo.InvariantCulture, $"is segment {header.Sequence} under the name of segment {sequence}"));
    }

    private static (SegmentHeader Header, StorageIdentity Owner) Parse(ReadOnlySpan<byte> body)
    {
        long cluster = 0, member = 0, incarnation = 0, sequence = 0, firstFrame = 0, previous = 0, allocated = 0, term = 0, vote = 0, last = 0;
        var configuration = Configuration.Empty;
        SnapshotMark? mark = null;
        var reader = new WireReader(body);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1: cluster = (long)reader.Fixed64(); break;
                case 2: member = (long)reader.Fixed64(); break;
                case 3: incarnation = (long)reader.Fixed64(); break;
                case 4: sequence = reader.Int64(); break;
                case 5: firstFrame = reader.Int64(); break;
                case 6: previous = reader.Int64(); break;
                case 7: allocated = reader.Int64(); break;
                case 8: term = reader.Int64(); break;
                case 9: vote = (long)reader.Fixed64(); break;
                case 10: last = reader.Int64(); break;
                case 11: configuration = RaftCodec.ReadConfiguration(reader.Bytes()); break;
                case 12: mark = RaftCodec.ReadSnapshotMark(reader.Bytes()); break;
                default: reader.RefuseUnknown("its header"); break;
            }
        }
        var state = new LogState(new HardState(new Term(term), new MemberId(vote)), configuration, mark, new LogIndex(last));
        return (new SegmentHeader(sequence, firstFrame, (uint)previous, allocated, state),
            new StorageIdentity(new ClusterId(cluster), new MemberId(member), incarnation));
    }
}
