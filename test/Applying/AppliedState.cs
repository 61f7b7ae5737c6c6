using System.Text;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Applying;

/// <summary>A replicated state to which commands are applied, each by an entry of its own, at one and the same time unless told otherwise.</summary>
internal sealed class AppliedState(Limits? limits = null)
{
    private readonly WireWriter _writer = new();
    private readonly ApplyOutput _output = new();

    public ReplicatedState State { get; } = new(limits ?? Limits.Default);

    public StateView View => State.TakeView();

    public AppliedState Do(Command command, string identity = "", long stampMicros = 1_000_000)
    {
        _writer.Clear();
        _output.Clear();
        var envelope = new CommandEnvelope(command, Encoding.UTF8.GetBytes(identity), identity.Length > 0 ? new byte[16] : default);
        CommandCodec.Write(_writer, envelope);
        var index = State.AppliedIndex.Next;
        var request = new RequestId(new MemberId(1), 1, index.Value);
        State.Apply(new LoggedEntry(index, new ClusterTime(stampMicros), true, request, "", _writer.ToArray()), _output);
        return this;
    }

    public AppliedState Put(string key, string value = "") =>
        Do(new PutCommand(Key.FromText(key), Encoding.UTF8.GetBytes(value), LeaseId.None, KeyCondition.None));

    public AppliedState Delete(string key) => Do(new DeleteCommand(Key.FromText(key), KeyCondition.None));
}
