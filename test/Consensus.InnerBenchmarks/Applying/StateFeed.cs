using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.InnerBenchmarks.Applying;

/// <summary>A state machine that is fed as a node feeds it: logged bytes, one entry after the other, history compacted now and then as the leader does it.</summary>
internal sealed class StateFeed
{
    private const int CompactEvery = 8192;
    private const long KeptRevisions = 1024;

    private readonly ReplicatedState _state = new(Limits.Default);
    private readonly ApplyOutput _output = new();
    private readonly WireWriter _writer = new(1024);
    private int _sinceCompaction;
    private long _passedMicros;

    /// <summary>Who asks for what is applied.</summary>
    public string Principal { get; set; } = "";

    /// <summary>Applies what was encoded before, and gives the outcome of its own.</summary>
    public Outcome Apply(ReadOnlyMemory<byte> payload)
    {
        if (++_sinceCompaction == CompactEvery)
        {
            _sinceCompaction = 0;
            Apply(Samples.Encode(new CompactCommand(new Revision(Math.Max(1, _state.Revision.Value - KeptRevisions)))));
        }

        _output.Clear();
        var index = _state.AppliedIndex.Next;
        var stamp = new ClusterTime(1_000_000 + _passedMicros + index.Value);
        _state.Apply(new LoggedEntry(index, stamp, true, new RequestId(Samples.Self, 1, index.Value), Principal, payload), _output);
        return _output.Resolutions[^1].Outcome;
    }

    /// <summary>Encodes into bytes that the next call writes over, so only for commands of which nothing is kept as it stands in the log.</summary>
    public Outcome Do(Command command)
    {
        _writer.Clear();
        CommandCodec.Write(_writer, new CommandEnvelope(command));
        return Apply(_writer.ToArray());
    }

    public void Pass(long micros) => _passedMicros += micros;

    /// <summary>As readers and snapshots take it: what is written next copies what it touches.</summary>
    public StateView TakeView() => _state.TakeView();

    public static void Expect<T>(Outcome outcome)
        where T : Outcome => Invariant.Require(outcome is T, $"{outcome} is no {typeof(T).Name}");
}
