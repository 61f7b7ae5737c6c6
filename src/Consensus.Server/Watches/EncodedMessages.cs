using System.Runtime.InteropServices;
using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Server.Watches;

/// <summary>
/// Messages that were encoded lately: a revision is encoded once for all that are told it, be they level with the present, behind in the history, or come again after a gap. What is
/// beyond the bound is forgotten, oldest first, and encoded again for who still wants it. Thread-safe.
/// </summary>
internal sealed class EncodedMessages(long maxBytes, Func<WatchTarget, Revision, List<Change>, byte[]> encode)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(WatchTarget, Revision), Lazy<WatchMessage>> _byRevision = [];

    /// <summary>In the order in which they were encoded.</summary>
    private readonly Queue<((WatchTarget, Revision) Place, int Bytes)> _order = new();
    private long _bytes;

    public long Bytes => Volatile.Read(ref _bytes);

    /// <param name="changes">Those of the revision that the target is told of; not kept.</param>
    public WatchMessage Of(WatchTarget target, Revision revision, List<Change> changes)
    {
        var place = (target, revision);
        Lazy<WatchMessage> message;
        bool isThere;
        lock (_gate)
        {
            ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_byRevision, place, out isThere);
            message = slot ??= new Lazy<WatchMessage>(() => new WatchMessage(revision, encode(target, revision, changes)));
        }
        // Whoever comes second waits for the first rather than do the same beside it.
        var encoded = message.Value;
        if (!isThere)
        {
            Keep(place, encoded.Bytes.Length);
        }
        return encoded;
    }

    private void Keep((WatchTarget, Revision) place, int bytes)
    {
        lock (_gate)
        {
            _order.Enqueue((place, bytes));
            _bytes += bytes;
            while (_bytes > maxBytes)
            {
                var (oldest, its) = _order.Dequeue();
                _byRevision.Remove(oldest);
                _bytes -= its;
            }
        }
    }
}
