using System.Text;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;
using Consensus.Storage.Backups;

namespace Consensus.Cli.Tests.Snapshots;

/// <summary>A backup as a member sends it: two keys, a lease, a lock.</summary>
internal static class BackupBytes
{
    public static byte[] Make()
    {
        var state = new ReplicatedState(Limits.Default);
        var member = new Member(new MemberId(1), "n1", "127.0.0.1:7380");
        Command[] commands =
        [
            new PutCommand(Key.FromText("a"), Encoding.UTF8.GetBytes("1"), LeaseId.None, KeyCondition.None),
            new PutCommand(Key.FromText("b"), Encoding.UTF8.GetBytes("2"), LeaseId.None, KeyCondition.None),
            new AcquireCommand(Key.FromText("l"), "me", 60_000_000, new LeaseId(8), LeaseId.None, 0),
        ];
        foreach (var command in commands)
        {
            var writer = new WireWriter();
            CommandCodec.Write(writer, new CommandEnvelope(command));
            var request = new RequestId(member.Id, 1, state.AppliedIndex.Value + 1);
            state.Apply(new LoggedEntry(state.AppliedIndex.Next, new ClusterTime(1_000_000), true, request, "", writer.ToArray()), new ApplyOutput());
        }
        using var bytes = new MemoryStream();
        var mark = new SnapshotMark(state.AppliedIndex, new Term(2), state.AppliedStamp, Configuration.OfVoters([member]));
        BackupStream.Write(new ClusterId(0xC1), mark, state.TakeView(), part => bytes.Write(part));
        return bytes.ToArray();
    }
}
