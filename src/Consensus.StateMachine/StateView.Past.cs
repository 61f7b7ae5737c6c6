using Consensus.Primitives;

namespace Consensus.StateMachine;

/// <summary>The past, and fences.</summary>
public sealed partial class StateView
{
    /// <summary>The last revision that is forgotten: the past can be read as of it, and changes followed from the next one on. 0 when nothing is forgotten.</summary>
    public Revision CompactRevision => Tables.CompactRevision;

    /// <summary>The key as it was right after <paramref name="at"/>, from <see cref="CompactRevision"/> to <see cref="Revision"/>.</summary>
    public KeyRecord? GetKeyAt(Key key, Revision at)
    {
        RequireKnown(at);
        return Tables.History.FirstOf(key, after: at) is { } change ? change.Before : GetKey(key);
    }

    /// <summary>As <see cref="ListKeys"/>, right after <paramref name="at"/>.</summary>
    public IEnumerable<KeyItem> ListKeysAt(Key prefix, Key? after, Revision at)
    {
        RequireKnown(at);
        return at == Revision ? ListKeys(prefix, after) : MergePast(prefix, after, at);
    }

    /// <summary>The history from this revision on, which is after <see cref="CompactRevision"/>, in order.</summary>
    public IEnumerable<Change> ChangesFrom(Revision from)
    {
        Invariant.Require(from > CompactRevision, "what is forgotten cannot be told");
        return Tables.History.From(from).Select(recorded => recorded.Change);
    }

    /// <summary>The resource's high-water mark; null when it has none.</summary>
    public FencingToken? GetFence(Key resource) => Tables.Fences.TryGet(resource, out var highest) ? highest : null;

    /// <summary>Fences with the prefix in byte order of their resources, from after <paramref name="after"/> (null: from the first).</summary>
    public IEnumerable<(Key Resource, FencingToken Highest)> ListFences(Key prefix, Key? after)
    {
        foreach (var (resource, highest) in Tables.Fences.From(Later(prefix, after)))
        {
            if (!resource.StartsWith(prefix))
            {
                yield break;
            }
            if (resource != after)
            {
                yield return (resource, highest);
            }
        }
    }

    private void RequireKnown(Revision at) => Invariant.Require(at >= CompactRevision && at <= Revision, "only the known past is read");

    /// <summary>Walks the present keys and those that were changed since together: a key that was stood as the first of those changes found it.</summary>
    private IEnumerable<KeyItem> MergePast(Key prefix, Key? after, Revision at)
    {
        using var present = ListKeys(prefix, after).GetEnumerator();
        var hasPresent = present.MoveNext();
        foreach (var change in Tables.History.FirstOfEach(Later(prefix, after), at))
        {
            if (!change.Key.StartsWith(prefix))
            {
                break;
            }
            while (hasPresent && present.Current.Key.CompareTo(change.Key) < 0)
            {
                yield return present.Current;
                hasPresent = present.MoveNext();
            }
            if (hasPresent && present.Current.Key == change.Key)
            {
                hasPresent = present.MoveNext();
            }
            if (change.Before is { } before && change.Key != after)
            {
                yield return new KeyItem(change.Key, before);
            }
        }
        while (hasPresent)
        {
            yield return present.Current;
            hasPresent = present.MoveNext();
        }
    }
}
