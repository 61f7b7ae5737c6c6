using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Transactions;

/// <summary>
/// Reads again what a transaction read that is answered to a retry: the past does not change, so any member can, from any view that still has it, and off the loop. A get saw the
/// writes before it in its transaction and none of those after it. No key is written twice, so each key stands as it saw it either right after the transaction or, if one of the
/// writes after the get is of that key, right before.
/// </summary>
public static class TxnReads
{
    /// <summary>True when something of it was not kept.</summary>
    public static bool Lacks(TxnDone done) => done.Results.Any(result => result is TxnGetNotKept);

    /// <summary>What is not known any more stays <see cref="TxnGetNotKept"/>.</summary>
    /// <param name="command">What was asked, then as now: a retry asks for the same.</param>
    public static TxnDone ReadAgain(TxnCommand command, TxnDone done, StateView view)
    {
        var branch = done.Succeeded ? command.Success : command.Failure;
        if (branch.Length != done.Results.Length || done.Revision > view.Revision)
        {
            return done;
        }
        var results = done.Results.ToBuilder();
        for (var i = 0; i < results.Count; i++)
        {
            if (results[i] is TxnGetNotKept gone && branch[i] is TxnGet get)
            {
                var later = Enumerable.Range(i + 1, branch.Length - i - 1).Where(at => IsWrite(done.Results[at])).Select(at => branch[at]).ToList();
                results[i] = Read(get, gone, later, done.Revision, view) ?? results[i];
            }
        }
        return done with { Results = results.ToImmutable() };
    }

    /// <summary>As many items as there were: where a get was cut, at its limit or by bytes, does not have to be found again.</summary>
    /// <param name="later">What the transaction wrote after this get.</param>
    private static TxnGetResult? Read(TxnGet get, TxnGetNotKept gone, List<TxnOperation> later, Revision after, StateView view)
    {
        if (gone.Items == 0)
        {
            return new TxnGetResult([], gone.Count);
        }
        var before = new Revision(after.Value - 1);
        var missedSome = later.Exists(write => Meets(write, get));
        if ((missedSome ? before : after) < view.CompactRevision)
        {
            return null;
        }
        var seen = (get.IsPrefix, missedSome) switch
        {
            (false, _) => Single(get.Key, view.GetKeyAt(get.Key, missedSome ? before : after)),
            (true, false) => view.ListKeysAt(get.Key, null, after),
            (true, true) => Choose(view.ListKeysAt(get.Key, null, before), view.ListKeysAt(get.Key, null, after), key => later.Exists(write => Writes(write, key))),
        };
        var items = ImmutableArray.CreateBuilder<KeyItem>();
        foreach (var item in seen)
        {
            items.Add(item);
            if (items.Count == gone.Items)
            {
                return new TxnGetResult(items.ToImmutable(), gone.Count);
            }
        }
        return null;
    }

    private static IEnumerable<KeyItem> Single(Key key, KeyRecord? record) => record is null ? [] : [new KeyItem(key, record)];

    /// <summary>Walks both lists together, key by key: of each key what the one list has of it, or the other.</summary>
    private static IEnumerable<KeyItem> Choose(IEnumerable<KeyItem> before, IEnumerable<KeyItem> after, Func<Key, bool> isAsBefore)
    {
        using var old = before.GetEnumerator();
        using var present = after.GetEnumerator();
        var (hasOld, hasPresent) = (old.MoveNext(), present.MoveNext());
        while (hasOld || hasPresent)
        {
            var order = !hasOld ? 1 : !hasPresent ? -1 : old.Current.Key.CompareTo(present.Current.Key);
            var asBefore = isAsBefore(order <= 0 ? old.Current.Key : present.Current.Key);
            if (asBefore && order <= 0)
            {
                yield return old.Current;
            }
            else if (!asBefore && order >= 0)
            {
                yield return present.Current;
            }
            hasOld = order <= 0 ? old.MoveNext() : hasOld;
            hasPresent = order >= 0 ? present.MoveNext() : hasPresent;
        }
    }

    private static bool IsWrite(TxnResult result) => result is TxnPutResult or TxnDeleteResult { Deleted: > 0 };

    /// <summary>Whether a write may be of a key that the get looks at.</summary>
    private static bool Meets(TxnOperation write, TxnGet get) =>
        Writes(write, get.Key) || (get.IsPrefix && (write is TxnPut put ? put.Key : ((TxnDelete)write).Key).StartsWith(get.Key));

    private static bool Writes(TxnOperation write, Key key) => write switch
    {
        TxnPut put => put.Key == key,
        TxnDelete { IsPrefix: false } delete => delete.Key == key,
        TxnDelete delete => key.StartsWith(delete.Key),
        _ => Invariant.Unreachable<bool>(write),
    };
}
