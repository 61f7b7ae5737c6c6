using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.Storage.Backups;

namespace Consensus.Cli.Tests.Snapshots;

/// <summary>A backup as a member sends it: two keys, a lease, a lock.</summary>
internal static class BackupBytes
{
    /// <summary>Of a cluster that judges rights, with so many tokens, each good for long.</summary>
    public static byte[] WithTokens(int count)
    {
        var applied = new AppliedState().Put("a", "1");
        for (var i = 0; i < count; i++)
        {
            applied.Do(new PutTokenCommand($"{i:D11}", new Key(new byte[32]), "svc", long.MaxValue, 900));
        }
        return Bytes(applied.Do(new EnableAuthCommand("admin")).State);
    }

    public static byte[] Make()
    {
        var state = new AppliedState()
            .Put("a", "1")
            .Put("b", "2")
            .Do(new AcquireCommand(Key.FromText("l"), "me", 60_000_000, new LeaseId(8), LeaseId.None, 0))
            .State;
        return Bytes(state);
    }

    private static byte[] Bytes(ReplicatedState state)
    {
        var member = new Member(new MemberId(1), "n1", "127.0.0.1:7380");
        using var bytes = new MemoryStream();
        var mark = new SnapshotMark(state.AppliedIndex, new Term(2), state.AppliedStamp, Configuration.OfVoters([member]));
        BackupStream.Write(new ClusterId(0xC1), mark, state.TakeView(), part => bytes.Write(part));
        return bytes.ToArray();
    }
}
