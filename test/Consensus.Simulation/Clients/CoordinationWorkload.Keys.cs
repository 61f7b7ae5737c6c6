using System.Globalization;
using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Clients;

/// <summary>Transactions over several keys, and reads of all of them, now and in the past.</summary>
internal sealed partial class CoordinationWorkload
{
    /// <summary>What the names of keys begin with, after the prefix of all names.</summary>
    public const string KeyName = "t";

    /// <summary>What it saw of keys last.</summary>
    private readonly Dictionary<Key, KeyRecord> _known = [];

    private Operation Transaction()
    {
        var compares = new List<TxnCompare>();
        for (var i = random.Next(3); i > 0; i--)
        {
            compares.Add(Compare());
        }
        if (_holds.Count > 0 && random.Chance(1, 2))
        {
            var hold = _holds[(int)random.Next(_holds.Count)];
            compares.Add(new TxnCompare(CompareTarget.Hold, random.Chance(1, 8) ? CompareOperator.NotEqual : CompareOperator.Equal, hold.Object.Name, hold.Token.Value, default, hold.Object.Space));
        }
        var success = Branch(random.Next(1, 4), 's');
        var failure = Branch(random.Next(3), 'f');
        return Make(OperationKind.Transaction, plan.KeyPrefix, new TxnCommand([.. compares], success, failure));
    }

    private Operation PrefixDelete() => Make(
        OperationKind.Transaction,
        plan.KeyPrefix,
        new TxnCommand([], [new TxnDelete(random.Chance(1, 2) ? Key.FromText(plan.KeyPrefix) : DrawKey(), IsPrefix: true)], []));

    private TxnCompare Compare()
    {
        var key = DrawKey();
        var known = _known.GetValueOrDefault(key);
        var target = (CompareTarget)random.Next((long)CompareTarget.Version, (long)CompareTarget.Hold);
        var isNumber = target is CompareTarget.Version or CompareTarget.CreateRevision or CompareTarget.ModRevision;
        var comparison = (CompareOperator)random.Next(1, isNumber || target == CompareTarget.Value ? 5 : 3);
        var number = target switch
        {
            CompareTarget.Version => known?.Version ?? 0,
            CompareTarget.CreateRevision => known?.CreateRevision.Value ?? 0,
            CompareTarget.ModRevision => known?.ModRevision.Value ?? 0,
            CompareTarget.Lease => known?.Lease.Value ?? 0,
            CompareTarget.Exists => random.Next(2),
            _ => 0,
        };
        return new TxnCompare(target, comparison, key, number, target == CompareTarget.Value ? known?.Value ?? "x"u8.ToArray() : default);
    }

    private System.Collections.Immutable.ImmutableArray<TxnOperation> Branch(long count, char name)
    {
        var operations = System.Collections.Immutable.ImmutableArray.CreateBuilder<TxnOperation>();
        var used = new HashSet<Key>();
        for (var i = 0; i < count; i++)
        {
            var key = DrawKey();
            for (var again = 0; again < 3 && used.Contains(key); again++)
            {
                // A branch that writes a key twice is refused: now and then that is asked too.
                key = DrawKey();
            }
            used.Add(key);
            operations.Add(random.Next(12) switch
            {
                < 6 => new TxnPut(
                    key,
                    Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"v{history.NextNumber}{name}{i}")),
                    _leases.Count > 0 && random.Chance(1, 4) ? _leases[0].Id : LeaseId.None),
                < 8 => new TxnDelete(key, IsPrefix: false),
                8 => new TxnDelete(random.Chance(1, 3) ? Key.FromText(plan.KeyPrefix) : key, IsPrefix: true),
                < 11 => new TxnGet(key, IsPrefix: false, 0),
                _ => new TxnGet(Key.FromText(plan.KeyPrefix), IsPrefix: true, random.Next(4)),
            });
        }
        return operations.ToImmutable();
    }

    private Operation Read()
    {
        if (random.Chance(1, 4))
        {
            var name = DrawObject();
            return Make(OperationKind.ReadHold, name.Name.ToString(), null, default, name);
        }
        return Make(OperationKind.ReadKeys, plan.KeyPrefix, atRevision: random.Chance(1, 2) ? new Revision(Math.Max(1, _seenRevision - random.Next(60))) : Revision.Zero);
    }

    private void LearnKeys(Operation operation)
    {
        if (operation is { Kind: OperationKind.ReadKeys, Seen.Items: { } items })
        {
            _known.Clear();
            foreach (var item in items)
            {
                _known[item.Key] = item.Record;
            }
        }
        foreach (var put in operation.Outcome is TxnDone done ? done.Results.OfType<TxnPutResult>() : [])
        {
            var value = _known.GetValueOrDefault(put.Key)?.Value ?? default;
            _known[put.Key] = new KeyRecord(value, put.CreateRevision, put.ModRevision, put.Version, put.Lease);
        }
    }
}
