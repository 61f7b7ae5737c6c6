using Consensus.Primitives;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>Every state of every key, from its first one on.</summary>
internal sealed class KeyHistory
{
    private readonly SortedDictionary<Key, List<(long Revision, KeyRecord? Record)>> _past = [];

    /// <summary>In order of revisions.</summary>
    /// <param name="record">Null when the key is gone.</param>
    public void Store(Key key, KeyRecord? record, Revision revision)
    {
        if (!_past.TryGetValue(key, out var states))
        {
            _past[key] = states = [];
        }
        states.Add((revision.Value, record));
    }

    /// <summary>Null when it did not exist right after this revision.</summary>
    public KeyRecord? At(Key key, long revision) => _past.TryGetValue(key, out var states) ? At(states, revision) : null;

    /// <summary>All keys right after this revision.</summary>
    public SortedDictionary<Key, KeyRecord> StateAt(long revision)
    {
        var state = new SortedDictionary<Key, KeyRecord>();
        foreach (var (key, states) in _past)
        {
            if (At(states, revision) is { } record)
            {
                state.Add(key, record);
            }
        }
        return state;
    }

    /// <summary>What reads of all keys saw is what was there.</summary>
    public void CheckReads(IEnumerable<Operation> operations)
    {
        foreach (var read in operations.Where(o => o is { Kind: OperationKind.ReadKeys, Status: OperationStatus.Done }))
        {
            var seen = read.Seen!;
            var at = read.AtRevision.Value > 0 ? read.AtRevision.Value : seen.ViewRevision;
            if (seen.Items is not { } items)
            {
                Violation.Unless(at > seen.ViewRevision || at < seen.CompactRevision, Transactions.Name, () => $"{read} was refused as forgotten or of the future");
                continue;
            }
            var prefix = Key.FromText(read.Object);
            var saw = Text(items.Select(item => (item.Key, (KeyRecord?)item.Record)));
            var was = Text(StateAt(at).Where(item => item.Key.StartsWith(prefix)).Select(item => (item.Key, (KeyRecord?)item.Value)));
            Violation.Unless(saw == was, Transactions.Name, () => $"{read} saw {saw}; at revision {at} there was {was}");
        }
    }

    public static string Text(IEnumerable<(Key Key, KeyRecord? Record)> keys) =>
        string.Join(" ", keys.OrderBy(key => key.Key).Select(key => $"{key.Key}={(key.Record is { } record ? OutcomeText.Of(record) : "gone")}"));

    private static KeyRecord? At(List<(long Revision, KeyRecord? Record)> states, long revision)
    {
        var last = states.FindLastIndex(state => state.Revision <= revision);
        return last >= 0 ? states[last].Record : null;
    }
}
