using Consensus.Node.Ports;
using Consensus.Primitives;

namespace Consensus.Transport.Snapshots;

/// <summary>The snapshots under way to peers: at most one for each member, each on a thread of its own, each told of exactly once.</summary>
internal sealed class SnapshotTransfers(SnapshotSettings settings, IPeerEvents events) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<MemberId, SnapshotSender> _underWay = [];
    private readonly HashSet<Thread> _threads = [];
    private bool _disposed;

    /// <summary>Returns at once. A peer without an address, and a second transfer to the same member, fail.</summary>
    public void Start(PeerEndpoint peer, ReadOnlyMemory<byte> header, Stream content)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                content.Dispose();
                return;
            }
            var sender = new SnapshotSender(peer, header, content, settings);
            if (!_underWay.TryAdd(peer.Member, sender))
            {
                sender.Stop();
            }
            var thread = GuardedThread.Of($"snapshot to {peer.Name}", () => Run(sender), settings.Fatal);
            _threads.Add(thread);
            thread.Start();
        }
    }

    public void Stop(MemberId member)
    {
        lock (_gate)
        {
            if (_underWay.TryGetValue(member, out var sender))
            {
                sender.Stop();
            }
        }
    }

    public void Dispose()
    {
        Thread[] threads;
        lock (_gate)
        {
            _disposed = true;
            threads = [.. _threads];
            foreach (var sender in _underWay.Values)
            {
                sender.Stop();
            }
        }
        foreach (var thread in threads)
        {
            if (thread != Thread.CurrentThread)
            {
                thread.Join();
            }
        }
    }

    private void Run(SnapshotSender sender)
    {
        var outcome = sender.Run();
        lock (_gate)
        {
            var member = sender.Peer.Member;
            if (_underWay.TryGetValue(member, out var current) && current == sender)
            {
                _underWay.Remove(member);
            }
            sender.Dispose();
        }
        events.SnapshotSent(sender.Peer.Member, sender.Header, outcome);
        lock (_gate)
        {
            _threads.Remove(Thread.CurrentThread);
        }
    }
}
