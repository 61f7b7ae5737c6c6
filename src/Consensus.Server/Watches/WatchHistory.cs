using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Server.Watches;

/// <summary>How a watch that is behind goes on in the history: each revision whole, in order, a bounded stretch at a time.</summary>
/// <param name="stepBytes">So many bytes of messages are taken before it is seen whether the client takes them.</param>
/// <param name="stepChanges">So many changes are looked at before a newer view is.</param>
/// <param name="encode">The message of one revision with the changes that the target is told of.</param>
internal sealed class WatchHistory(int stepBytes, int stepChanges, Func<WatchTarget, Revision, List<Change>, WatchMessage> encode)
{
    /// <summary>Takes messages out of the view's history, from the watch's next revision on, and moves it past them.</summary>
    public void Take(Watcher watcher, StateView view, List<WatchMessage> taken)
    {
        var target = watcher.Group.Target;
        var changes = new List<Change>();
        var present = Revision.Zero;
        var (bytes, seen) = (0, 0);
        foreach (var change in view.ChangesFrom(watcher.Next))
        {
            if (change.Revision != present)
            {
                bytes += Take(target, present, changes, taken);
                if (bytes >= stepBytes || seen >= stepChanges)
                {
                    watcher.Next = change.Revision;
                    return;
                }
                present = change.Revision;
            }
            seen++;
            if (target.Matches(change))
            {
                changes.Add(change);
            }
        }
        Take(target, present, changes, taken);
        watcher.Next = view.Revision.Next;
    }

    private int Take(WatchTarget target, Revision revision, List<Change> changes, List<WatchMessage> taken)
    {
        if (changes.Count == 0)
        {
            return 0;
        }
        var message = encode(target, revision, changes);
        changes.Clear();
        taken.Add(message);
        return message.Bytes.Length;
    }
}
