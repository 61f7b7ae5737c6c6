using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tests.Model;

/// <summary>Drawn commands against a store that keeps every version: the past, the changes and transactions are the same, before and after snapshots.</summary>
public sealed class HistoryModelTests
{
    private static readonly string[] Names = ["a", "a/b", "a/c", "a/c/d", "b", "b/a", "c", "é"];
    private static readonly string[] Prefixes = ["", "a", "a/", "a/c", "b", "x"];

    private static Key DrawKey(DeterministicRandom random) => Machine.Key(Names[random.Next(Names.Length)]);

    private static Key DrawPrefix(DeterministicRandom random) => Machine.Key(Prefixes[random.Next(Prefixes.Length)]);

    private static byte[] DrawValue(DeterministicRandom random) => [.. Enumerable.Range(0, (int)random.Next(3)).Select(_ => (byte)('0' + random.Next(3)))];

    private static LeaseId DrawLease(DeterministicRandom random) => random.Chance(1, 3) ? new LeaseId(random.Next(1, 5)) : LeaseId.None;

    private static Command Draw(DeterministicRandom random, NaiveStore store) => random.Next(14) switch
    {
        0 or 1 or 2 => new PutCommand(DrawKey(random), DrawValue(random), DrawLease(random), KeyCondition.None),
        3 => new PutCommand(DrawKey(random), DrawValue(random), LeaseId.None, new KeyCondition((KeyConditionKind)random.Next(1, 4), new Revision(store.Revision))),
        4 => new DeleteCommand(DrawKey(random), KeyCondition.None),
        5 => new DeletePrefixCommand(DrawPrefix(random)),
        6 => new GrantLeaseCommand(new LeaseId(random.Next(1, 5)), random.Next(1, 5_000_000)),
        7 => random.Chance(1, 2) ? new RevokeLeaseCommand(new LeaseId(random.Next(1, 5))) : new RenewLeasesCommand([new LeaseId(random.Next(1, 5))]),
        8 => new AcquireCommand(DrawKey(random), "o", long.MaxValue / 2, new LeaseId(random.Next(100, 1_000_000)), LeaseId.None, 0),
        9 => random.Chance(1, 4) ? new CompactCommand(new Revision(random.Next(store.Compacted, store.Revision + 2))) : new ExpireCommand(),
        _ => DrawTxn(random, store),
    };

    private static TxnCommand DrawTxn(DeterministicRandom random, NaiveStore store)
    {
        var compares = Enumerable.Range(0, (int)random.Next(3)).Select(_ => new TxnCompare(
            (CompareTarget)random.Next(1, 8),
            (CompareOperator)(random.Chance(1, 2) ? random.Next(1, 3) : random.Next(1, 5)),
            DrawKey(random),
            random.Chance(1, 2) ? random.Next(3) : random.Next(store.Revision + 1),
            DrawValue(random)));
        return new TxnCommand(
            [.. compares.Select(c => c.Target == CompareTarget.Hold ? c with { Operator = (CompareOperator)random.Next(1, 3) } : c)],
            DrawBranch(random),
            DrawBranch(random));
    }

    private static ImmutableArray<TxnOperation> DrawBranch(DeterministicRandom random) =>
    [
        .. Enumerable.Range(0, (int)random.Next(5)).Select(_ => (TxnOperation)(random.Next(4) switch
        {
            0 or 1 => new TxnPut(DrawKey(random), DrawValue(random), DrawLease(random)),
            2 => random.Chance(2, 3) ? new TxnDelete(DrawKey(random), IsPrefix: false) : new TxnDelete(DrawPrefix(random), IsPrefix: true),
            _ => random.Chance(1, 3) ? new TxnGet(DrawKey(random), IsPrefix: false, 0) : new TxnGet(DrawPrefix(random), IsPrefix: true, random.Next(4)),
        })),
    ];

    private static void Apply(NaiveStore store, Machine machine, Command command)
    {
        var now = machine.Now.Micros;
        switch (command)
        {
            case PutCommand c:
                machine.Do(c);
                store.Put(c);
                break;
            case DeleteCommand c:
                machine.Do(c);
                store.Delete(c);
                break;
            case DeletePrefixCommand c:
                machine.Do(c);
                store.DeletePrefix(c.Prefix.ToString());
                break;
            case GrantLeaseCommand c:
                machine.Do(c);
                store.Grant(c.Id.Value, c.TtlMicros, now);
                break;
            case RenewLeasesCommand c:
                machine.Do(c);
                store.Renew(c.Ids[0].Value, now);
                break;
            case RevokeLeaseCommand c:
                machine.Do(c);
                store.End(c.Id.Value);
                break;
            case ExpireCommand c:
                machine.Do(c);
                store.Expire(now);
                break;
            case AcquireCommand c:
                store.Revision += machine.Do(c) is HoldGranted ? 1 : 0;
                break;
            case CompactCommand c:
                machine.Do(c);
                store.Compact(c.UpTo.Value);
                break;
            case TxnCommand c:
                var view = machine.View;
                var expected = store.Txn(c, compare => view.GetObject(compare.Name).Holder?.Token.Value == compare.Number);
                var outcome = machine.Do(c);
                Assert.That(outcome.GetType().Name, Is.EqualTo(expected.Outcome));
                if (outcome is TxnDone done)
                {
                    Assert.That(done.Succeeded, Is.EqualTo(expected.Succeeded));
                    Assert.That(done.Results.Select(Plain), Is.EqualTo(expected.Results));
                }
                break;
            default:
                Assert.Fail($"{command} is not drawn");
                break;
        }
    }

    private static object Plain(TxnResult result) => result switch
    {
        TxnPutResult r => (r.Key.ToString(), r.CreateRevision.Value, r.ModRevision.Value, r.Version, r.Lease.Value),
        TxnDeleteResult r => r.Deleted,
        TxnGetResult r => (string.Join(",", r.Items.Select(i => $"{i.Key}={NaiveItem.Of(i.Record)}")), r.Count),
        _ => Invariant.Unreachable<object>(result),
    };

    /// <summary>Reads of the past, from <paramref name="view"/> as it was taken, against all that the store remembers.</summary>
    private static void Check(StateView view, NaiveStore store, DeterministicRandom random)
    {
        var known = view.CompactRevision.Value;
        for (var probe = 0; probe < 3; probe++)
        {
            var at = random.Next(known, view.Revision.Value + 1);
            var key = DrawKey(random);
            Assert.That(NaiveItem.Of(view.GetKeyAt(key, new Revision(at))), Is.EqualTo(store.GetAt(at, key.ToString())), $"{key} at {at}");
            var prefix = DrawPrefix(random);
            Key? after = random.Chance(1, 2) ? DrawKey(random) : null;
            Assert.That(
                view.ListKeysAt(prefix, after, new Revision(at)).Select(i => (i.Key.ToString(), NaiveItem.Of(i.Record))),
                Is.EqualTo(store.ListAt(at, prefix.ToString(), after?.ToString())),
                $"keys under {prefix} after {after} at {at}");
            var from = random.Next(known + 1, view.Revision.Value + 2);
            Assert.That(
                view.ChangesFrom(new Revision(from)).Select(NaiveChange.Of),
                Is.EqualTo(store.ChangesFrom(from).Where(c => c.Revision <= view.Revision.Value)));
        }
    }

    [Test]
    public void The_past_is_what_it_was([Range(1, 60)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var machine = new Machine();
        var store = new NaiveStore();
        var views = new List<StateView>();
        for (var i = 0; i < 250; i++)
        {
            machine.Pass(random.Next(400_000));
            var command = Draw(random, store);
            Apply(store, machine, command);
            var view = machine.View;
            Assert.That((view.Revision.Value, view.CompactRevision.Value), Is.EqualTo((store.Revision, store.Compacted)), $"step {i}: {command}");
            Assert.That(view.ListKeys(default, null).Select(k => (k.Key.ToString(), NaiveItem.Of(k.Record))), Is.EqualTo(store.Keys.Select(k => (k.Key, k.Value))));
            Assert.That(view.Counts.Changes, Is.EqualTo(store.ChangesFrom(store.Compacted + 1).Count));
            Assert.That(view.Counts.HistoryBytes, Is.EqualTo(store.ChangesFrom(store.Compacted + 1).Sum(c => 200 + Machine.Key(c.Key).Length + (c.Before?.Value.Length ?? 0))));
            Check(view, store, random);
            if (random.Chance(1, 40))
            {
                views.Add(view);
            }
            if (random.Chance(1, 60))
            {
                var bytes = machine.Snapshot();
                machine.RestoreFromSnapshot();
                Assert.That(machine.Snapshot(), Is.EqualTo(bytes), "a snapshot of the restored state is the same");
                Assert.That(machine.View.Counts, Is.EqualTo(view.Counts));
            }
        }
        views.ForEach(view => Check(view, store, random));
    }

    [Test]
    public void A_long_past_is_what_it_was([Range(1, 4)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var machine = new Machine();
        var store = new NaiveStore();
        var views = new List<StateView>();
        for (var i = 0; i < 6_000; i++)
        {
            Command command = random.Chance(1, 800)
                ? new CompactCommand(new Revision(random.Next(store.Compacted, store.Revision)))
                : new PutCommand(DrawKey(random), DrawValue(random), LeaseId.None, KeyCondition.None);
            Apply(store, machine, command);
            if (random.Chance(1, 500))
            {
                views.Add(machine.View);
                Check(views[^1], store, random);
            }
        }
        Assert.That(machine.View.Counts.Changes, Is.EqualTo(store.ChangesFrom(store.Compacted + 1).Count));
        machine.RestoreFromSnapshot();
        views.Add(machine.View);
        views.ForEach(view => Check(view, store, random));
    }
}
