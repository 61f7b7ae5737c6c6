using BenchmarkDotNet.Attributes;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Wire;

namespace Consensus.InnerBenchmarks.Codec;

/// <summary>AppendEntries as it travels between members.</summary>
public class AppendEntriesCoding
{
    private readonly WireWriter _writer = new(64 * 1024);
    private AppendRequest _message = null!;
    private byte[] _encoded = [];

    [Params(1, 64)]
    public int Entries { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        _message = new AppendRequest(
            Samples.Self, Samples.Other, new Term(3), new LogIndex(9), new Term(3), Samples.Entries(10, Entries), new LogIndex(9), new ClusterTime(1_000_000), 5);
        Encode();
        _encoded = _writer.ToArray();
    }

    [Benchmark]
    public int Encode()
    {
        _writer.Clear();
        RaftCodec.WriteMessage(_writer, _message);
        return _writer.Length;
    }

    [Benchmark]
    public object? Decode() => RaftCodec.ReadMessage(_encoded);
}
