using Consensus.Node.Ports;
using Consensus.Primitives;

namespace Consensus.Transport.Tests.Support;

internal abstract record PeerEvent(MemberId Peer);

internal sealed record UpEvent(MemberId Peer, long Boot) : PeerEvent(Peer);

internal sealed record DownEvent(MemberId Peer) : PeerEvent(Peer);

internal sealed record GoneEvent(MemberId Peer) : PeerEvent(Peer);

internal sealed record RefusedEvent(MemberId Peer, string Reason) : PeerEvent(Peer);

internal sealed record RemovedEvent(MemberId Peer) : PeerEvent(Peer);

internal sealed record SnapshotSentEvent(MemberId Peer, bool Success) : PeerEvent(Peer);

/// <summary>Writes down what the transport tells, and lets a test wait for it.</summary>
internal sealed class RecordingEvents : IPeerEvents
{
    private readonly object _gate = new();
    private readonly List<PeerEvent> _events = [];
    private readonly List<SnapshotOutcome> _outcomes = [];
    private readonly List<(MemberId From, byte[] Frame)> _frames = [];
    private readonly List<int> _together = [];

    /// <summary>How many frames had been told at each time when all were that came together.</summary>
    public IReadOnlyList<int> Together
    {
        get
        {
            lock (_gate)
            {
                return [.. _together];
            }
        }
    }

    /// <summary>Called for each frame before it is written down.</summary>
    public Action<MemberId, byte[]>? OnFrame { get; set; }

    public Func<MemberId, byte[], long, ISnapshotArrival?> OnSnapshot { get; set; } = (_, _, _) => null;

    /// <summary>Called for each transfer that ended, before it is written down.</summary>
    public Action<byte[], bool>? OnSnapshotSent { get; set; }

    public IReadOnlyList<PeerEvent> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _events];
            }
        }
    }

    public IReadOnlyList<byte[]> FramesFrom(MemberId peer)
    {
        lock (_gate)
        {
            return [.. _frames.Where(frame => frame.From == peer).Select(frame => frame.Frame)];
        }
    }

    public IReadOnlyList<PeerEvent> Of(MemberId peer) => [.. All.Where(e => e.Peer == peer)];

    public void WaitForFrames(int count) => WaitFor(() => _frames.Count >= count, $"{count} frames");

    public void WaitFor<T>(int count = 1)
        where T : PeerEvent => WaitFor(() => _events.OfType<T>().Count() >= count, $"{count} of {typeof(T).Name}");

    public void WaitFor(PeerEvent what, int count = 1) => WaitFor(() => _events.Count(e => e == what) >= count, what.ToString());

    public void Received(MemberId from, ReadOnlySpan<byte> frame)
    {
        var copy = frame.ToArray();
        OnFrame?.Invoke(from, copy);
        lock (_gate)
        {
            _frames.Add((from, copy));
            Monitor.PulseAll(_gate);
        }
    }

    public void ReceivedAll()
    {
        lock (_gate)
        {
            _together.Add(_frames.Count);
        }
    }

    public void LinkUp(MemberId peer, long boot) => Add(new UpEvent(peer, boot));

    public void LinkDown(MemberId peer) => Add(new DownEvent(peer));

    public void ProcessGone(MemberId peer) => Add(new GoneEvent(peer));

    /// <summary>What is said when <see cref="OnSnapshot"/> gives nothing.</summary>
    public SnapshotRejection Rejection { get; set; } = new(SnapshotRefusal.NotNeeded, "all of it is here");

    /// <summary>How the transfers from here ended, in order.</summary>
    public IReadOnlyList<SnapshotOutcome> Outcomes
    {
        get
        {
            lock (_gate)
            {
                return [.. _outcomes];
            }
        }
    }

    public ISnapshotArrival? SnapshotArriving(MemberId from, ReadOnlySpan<byte> header, long lengthBytes, out SnapshotRejection? rejection)
    {
        var arrival = OnSnapshot(from, header.ToArray(), lengthBytes);
        rejection = arrival is null ? Rejection : null;
        return arrival;
    }

    public void SnapshotSent(MemberId to, ReadOnlyMemory<byte> header, SnapshotOutcome outcome)
    {
        var success = outcome.End == SnapshotEnd.Taken;
        OnSnapshotSent?.Invoke(header.ToArray(), success);
        lock (_gate)
        {
            _outcomes.Add(outcome);
        }
        Add(new SnapshotSentEvent(to, success));
    }

    public void RefusedByPeer(MemberId peer, string reason) => Add(new RefusedEvent(peer, reason));

    public void RemovedFromCluster(MemberId saidBy) => Add(new RemovedEvent(saidBy));

    private void Add(PeerEvent e)
    {
        lock (_gate)
        {
            _events.Add(e);
            Monitor.PulseAll(_gate);
        }
    }

    private void WaitFor(Func<bool> condition, string what)
    {
        lock (_gate)
        {
            while (!condition())
            {
                if (!Monitor.Wait(_gate, Patience.Limit))
                {
                    Assert.Fail($"never happened: {what}; what did: {string.Join(", ", _events)}, {_frames.Count} frames");
                }
            }
        }
    }
}
