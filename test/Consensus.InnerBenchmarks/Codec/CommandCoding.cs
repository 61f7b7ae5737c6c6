using BenchmarkDotNet.Attributes;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.InnerBenchmarks.Codec;

/// <summary>A client's put as it goes into the log, and back.</summary>
public class CommandCoding
{
    private readonly CommandEnvelope _put = Samples.Put(1);
    private readonly byte[] _encoded = Samples.Encode(Samples.Put(1).Command);
    private readonly WireWriter _writer = new(1024);

    [Benchmark]
    public int Encode()
    {
        _writer.Clear();
        CommandCodec.Write(_writer, _put);
        return _writer.Length;
    }

    [Benchmark]
    public object Decode() => CommandCodec.Read(_encoded);
}
