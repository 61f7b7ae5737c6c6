using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Cli.Tests.Support;

/// <summary>A replicated state to which commands are applied.</summary>
internal sealed class AppliedState(Limits? limits = null)
{
    private readonly WireWriter _writer = new();
    private readonly ApplyOutput _output = new();

    public ReplicatedState State { get; } = new(limits ?? Limits.Default);

    public StateView View => State.TakeView();

    public void Do(Command command, string identity = "")
    {
        _writer.Clear();
        _output.Clear();
        ReadOnlyMemory<byte> key = System.Text.Encoding.UTF8.GetBytes(identity);
        CommandCodec.Write(_writer, new CommandEnvelope(command, key, identity.Length > 0 ? new byte[16] : default));
        var index = State.AppliedIndex.Next;
        State.Apply(new LoggedEntry(index, new ClusterTime(1_000_000), true, new RequestId(new MemberId(1), 1, index.Value), "", _writer.ToArray()), _output);
    }

    public void Put(string key, string value = "") =>
        Do(new PutCommand(Key.FromText(key), System.Text.Encoding.UTF8.GetBytes(value), LeaseId.None, KeyCondition.None));

    public void Delete(string key) => Do(new DeleteCommand(Key.FromText(key), KeyCondition.None));
}
