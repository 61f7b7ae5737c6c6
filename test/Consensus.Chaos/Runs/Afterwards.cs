using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Consensus.Chaos.Clients;
using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Chaos.Runs;

/// <summary>
/// The end of a round, once all is healed and clients ask no more: every lease ends by itself, and with them all that is held or waited for; everything is looked at once
/// more; then something is written last to everything that is watched, and every watch is told it.
/// </summary>
/// <param name="limit">For each step.</param>
internal sealed class Afterwards(Record record, ChaosClient client, IReadOnlyList<ChaosWatcher> watchers, TimeSpan limit)
{
    private const int PauseMs = 100;
    private const long LastTtlMicros = 1_000_000;
    private const long LastWaitMicros = 5_000_000;

    public async Task RunAsync()
    {
        await UntilNoLeaseIsLeftAsync();
        foreach (var name in record.Operations.Where(o => o.IsOfHold && o.Kind != OperationKind.AcquireMany).Select(o => o.Name).Distinct().ToList())
        {
            await UntilNobodyIsThereAsync(name);
        }
        // Before what is written last: what somebody sees is below what every watch is told then.
        foreach (var (name, kind) in record.Operations.Select(o => (o.Object, LastReadOf(o))).Where(read => read.Item2 is not null).Distinct().ToList())
        {
            await client.AskAsync(kind!.Value, name);
        }
        watchers.ToList().ForEach(watcher => watcher.Settle());
        foreach (var (last, key, isElection) in await WriteLastAsync())
        {
            await UntilAsync(
                () => Task.FromResult(watchers.All(watcher => !watcher.Watches(key, isElection) || watcher.IsToldUpTo(last))),
                WatchOrder.Name,
                () => $"{key} was written last at revision {last}, and this was not told: {string.Join(", ", watchers.Where(watcher => watcher.Watches(key, isElection) && !watcher.IsToldUpTo(last)))}");
        }
    }

    private static OperationKind? LastReadOf(Operation operation) => operation switch
    {
        { IsPlain: true } => operation.IsOfLock ? OperationKind.ReadLock : OperationKind.Read,
        { IsOfFence: true } => OperationKind.ReadFence,
        { Kind: OperationKind.Transaction } => OperationKind.ReadKeys,
        _ => null,
    };

    private Task UntilNoLeaseIsLeftAsync()
    {
        JsonElement? left = null;
        return UntilAsync(
            async () =>
            {
                left = await client.GetAsync("/v1/leases");
                return left is { } list && list.GetProperty("count").GetInt64() == 0;
            },
            LeasesEnd.Name,
            () => $"nobody renews any lease, and these are left: {left}");
    }

    private Task UntilNobodyIsThereAsync(ObjectName name)
    {
        Operation? look = null;
        return UntilAsync(
            async () =>
            {
                look = await client.AskAsync(OperationKind.ReadHold, name.Name.ToString(), name);
                return look.Seen is { Holders.Count: 0, Waiters.Count: 0 };
            },
            LeasesEnd.Name,
            () => $"nobody asks for the {name} any more, and it is not free: {look}, {string.Join(", ", look?.Seen?.Waiters ?? [])}");
    }

    /// <summary>Of each key that was written to and each election: the revision of what was written last.</summary>
    private async Task<List<(Revision Last, Key Key, bool IsElection)>> WriteLastAsync()
    {
        var written = new List<(Revision, Key, bool)>();
        foreach (var key in record.Operations.Where(o => o is { IsPlain: true, IsOfLock: false }).Select(o => o.Key).Distinct().ToList())
        {
            written.Add((await UntilDoneAsync(() => client.AskAsync(OperationKind.Put, key.ToString(), value: LastValue()), outcome => outcome is PutDone), key, false));
        }
        var keys = record.Operations.Select(o => o.Command).OfType<TxnCommand>().SelectMany(txn => txn.Success.Concat(txn.Failure)).OfType<TxnPut>().Select(put => put.Key);
        foreach (var key in keys.Distinct().ToList())
        {
            written.Add((await UntilDoneAsync(
                () =>
                {
                    var put = new TxnPut(key, Encoding.UTF8.GetBytes(LastValue()), LeaseId.None);
                    return client.AskAsync(OperationKind.Transaction, key.ToString(), command: new TxnCommand([], [put], []));
                },
                outcome => outcome is TxnDone), key, false));
        }
        foreach (var name in record.Operations.Where(o => o.Name.Space == HoldSpace.Election).Select(o => o.Name).Distinct().ToList())
        {
            written.Add((await UntilDoneAsync(() => client.AskAsync(OperationKind.AcquireHold, name.Name.ToString(), name, LastAcquire(name)), outcome => outcome is HoldGranted), name.Name, true));
        }
        return written;
    }

    /// <summary>Another one for each time that it is asked: the fate of the one before may be unknown, and no two writes are to look the same.</summary>
    private string LastValue() => string.Create(CultureInfo.InvariantCulture, $"last{record.Operations.Count}");

    private AcquireCommand LastAcquire(ObjectName name)
    {
        var owner = LastValue();
        return new(name.Name, owner, LastTtlMicros, LeaseId.None, LeaseId.None, LastWaitMicros) { Space = HoldSpace.Election, Value = Encoding.UTF8.GetBytes(owner) };
    }

    /// <summary>The revision at which it was done.</summary>
    private async Task<Revision> UntilDoneAsync(Func<Task<Operation>> ask, Func<Outcome?, bool> isDone)
    {
        Operation? last = null;
        await UntilAsync(
            async () =>
            {
                last = await ask();
                return isDone(last.Outcome);
            },
            Progress.Name,
            () => $"what is asked last is not done: {last}");
        return last!.Outcome is HoldGranted granted ? new Revision(granted.Hold.Token.Value) : last.Outcome!.Revision;
    }

    private async Task UntilAsync(Func<Task<bool>> condition, string checker, Func<string> what)
    {
        var since = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(since) > limit)
            {
                throw new SimulationFailureException(checker, string.Create(CultureInfo.InvariantCulture, $"not within {limit.TotalSeconds} s: {what()}"));
            }
            await Task.Delay(PauseMs);
        }
    }
}
