using DotNext.IO.Log;
using DotNext.Net.Cluster.Consensus.Raft;
using DotNext.Net.Cluster.Consensus.Raft.StateMachine;

namespace Consensus.Peers.Trials;

/// <summary>
/// What a late, shorter duplicate of a batch does to the library's log: five entries are appended, then the first three of them again, as a
/// follower is told when an old message arrives
/// twice. Raft §5.3: nothing is removed without a conflict. No cluster is needed, so this is fit to be reported as it stands.
/// </summary>
internal static class DuplicateTrial
{
    /// <returns>The last index before and after the duplicate.</returns>
    public static async Task<(long Before, long After)> AppendAsync()
    {
        var directory = Directory.CreateTempSubdirectory("consensus-peers-");
        try
        {
            var options = new WriteAheadLog.Options { Location = directory.FullName };
            await using var log = new WriteAheadLog(options, IStateMachine.CreateNoOp());
            await log.InitializeAsync();
            await log.AppendAsync(Batch(5), startIndex: 1);
            var before = log.LastEntryIndex;
            await log.AppendAsync(Batch(3), startIndex: 1);
            return (before, log.LastEntryIndex);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    public static async Task<TrialResult> RunAsync()
    {
        var (before, after) = await AppendAsync();
        return new TrialResult(after < before, null, $"the log ends at {after} after it ended at {before}");
    }

    private static LogEntryProducer<BinaryLogEntry> Batch(int entries) =>
        new([.. Enumerable.Range(1, entries).Select(number => new BinaryLogEntry { Term = 1, Content = new[] { (byte)number } })]);
}
