using Consensus.Node.Ports;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Links;

/// <summary>
/// Keeps one connection to one peer standing. A thread of its own dials, then waits on the connection so that its close is noticed at once,
/// dials again, and tells what it learns. All events about this peer's outgoing link come from that thread, in order.
/// </summary>
internal sealed class OutgoingLink : IDisposable
{
    /// <summary>A peer that is still starting is asked again at least this often, so that a fresh cluster stands well within a second.</summary>
    private static readonly TimeSpan NotReadyWait = TimeSpan.FromMilliseconds(100);

    /// <summary>A link that closes sooner than this, twice in a row, is not dialled again at once: the two sides may disagree about something.</summary>
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(1);

    private readonly LinkSettings _settings;
    private readonly Thread? _predecessor;
    private readonly Thread _thread;
    private readonly Backoff _backoff;
    private readonly CancellationTokenSource _stop = new();
    private readonly Signal _wake = new();
    private volatile PeerEndpoint _peer;
    private volatile OutgoingConnection? _connection;
    private volatile bool _silent;
    private bool _lastWasShort;

    /// <param name="predecessor">The thread of a stopped link to the same member: its events come first.</param>
    public OutgoingLink(PeerEndpoint peer, LinkSettings settings, Thread? predecessor)
    {
        _peer = peer;
        _settings = settings;
        _predecessor = predecessor;
        _backoff = new Backoff(settings.RedialFirst, settings.RedialLongest, (ulong)(settings.Self.Boot ^ peer.Member.Value));
        _thread = GuardedThread.Of($"peer link to {peer.Name}", Run, settings.Fatal);
    }

    public PeerEndpoint Peer => _peer;

    public Thread Thread => _thread;

    public void Start() => _thread.Start();

    /// <summary>With the node's turn.</summary>
    public bool Send(ReadOnlySpan<byte> frame, bool isUrgent) => _connection?.Send(frame, isUrgent) ?? false;

    /// <summary>Bytes that wait for the network. Any thread.</summary>
    public long QueuedBytes => _connection?.QueuedBytes ?? 0;

    /// <summary>With the node's turn.</summary>
    public void Flush() => _connection?.Flush();

    /// <summary>The peer is elsewhere from now on.</summary>
    public void Move(PeerEndpoint peer)
    {
        _peer = peer;
        Interlocked.MemoryBarrier();
        _connection?.Close();
        _wake.Set();
    }

    /// <summary>The peer's process with this boot number has just dialled us: it lives, and a link to an earlier process of its is dead.</summary>
    public void Seen(long boot)
    {
        var connection = _connection;
        if (connection is null)
        {
            _wake.Set();
        }
        else if (connection.PeerBoot != boot)
        {
            connection.Close();
        }
    }

    /// <summary>Closes the link and ends its thread soon. A silent stop tells no more events.</summary>
    public void Stop(bool silent)
    {
        _silent |= silent;
        _stop.Cancel();
        Interlocked.MemoryBarrier();
        _connection?.Close();
        _wake.Set();
    }

    /// <summary>Waits for the thread of a stopped link.</summary>
    public void Dispose()
    {
        if (_thread != Thread.CurrentThread)
        {
            _thread.Join();
        }
        _stop.Dispose();
    }

    private void Run()
    {
        _predecessor?.Join();
        var hasJustClosed = false;
        while (!_stop.IsCancellationRequested)
        {
            _wake.Reset();
            var peer = _peer;
            var outcome = _settings.Dialer.Dial(peer.Address, HelloTo(peer), _stop.Token);
            var wait = _settings.RedialLongest;
            if (outcome.Status is not (DialStatus.Welcomed or DialStatus.Refused))
            {
                var level = outcome.Status == DialStatus.Exhausted ? TransportLogLevel.Warning : TransportLogLevel.Debug;
                _settings.Log.Say(level, $"no link to {peer.Name}: {outcome.Detail}");
            }
            switch (outcome.Status)
            {
                case DialStatus.Welcomed:
                    hasJustClosed = UseUntilClosed(peer, outcome, out var mayRedialAtOnce);
                    if (mayRedialAtOnce)
                    {
                        continue;
                    }
                    break;
                case DialStatus.HostRefused:
                    if (hasJustClosed)
                    {
                        Tell(events => events.ProcessGone(peer.Member));
                    }
                    hasJustClosed = false;
                    break;
                case DialStatus.Refused:
                    hasJustClosed = false;
                    wait = HandleRefusal(peer, (Refusal)outcome.Reply!);
                    break;
                case DialStatus.Broken:
                    // A dying process may still accept, and then reset: the next dial tells whether its port is closed.
                    break;
                default:
                    hasJustClosed = false;
                    break;
            }
            WaitToRedial(wait);
        }
    }

    private Hello HelloTo(PeerEndpoint peer) => new(_settings.Self, Purpose.Link, peer.Name, "", []);

    /// <summary>True when it stood and was closed by the other side or the network.</summary>
    private bool UseUntilClosed(PeerEndpoint peer, DialOutcome outcome, out bool mayRedialAtOnce)
    {
        var welcome = (Welcome)outcome.Reply!;
        if (_settings.Handshake().Mistaken(welcome, peer) is { } mistake)
        {
            outcome.Socket!.Dispose();
            _settings.Log.Say(TransportLogLevel.Warning, $"no link to {peer.Name}: {mistake}");
            mayRedialAtOnce = false;
            return false;
        }
        SocketIo.LimitUnacknowledged(outcome.Socket!);
        SocketIo.LimitUnsent(outcome.Socket!);
        var started = _settings.Time.GetTimestamp();
        using (var connection = new OutgoingConnection(
            outcome.Socket!, welcome.Identity.Boot, _settings.MaxQueuedBytes, _settings.MaxFrameBytes, _settings.Fatal))
        {
            _connection = connection;
            Interlocked.MemoryBarrier();
            // Move and Stop set their mark first and then close what they see: what they could not see is closed here.
            if (_stop.IsCancellationRequested || !ReferenceEquals(peer, _peer))
            {
                _connection = null;
                mayRedialAtOnce = true;
                return false;
            }
            Tell(events => events.LinkUp(peer.Member, welcome.Identity.Boot));
            connection.WaitUntilClosed();
            _connection = null;
        }
        Tell(events => events.LinkDown(peer.Member));
        var isShort = _settings.Time.GetElapsedTime(started) < ShortLife;
        mayRedialAtOnce = !(isShort && _lastWasShort);
        _lastWasShort = isShort;
        if (!isShort)
        {
            _backoff.Reset();
        }
        return !_stop.IsCancellationRequested && ReferenceEquals(peer, _peer);
    }

    private TimeSpan HandleRefusal(PeerEndpoint peer, Refusal refusal)
    {
        if (refusal.IsTransient)
        {
            return NotReadyWait;
        }
        if (_settings.Handshake().MustStop(refusal))
        {
            if (refusal.Code == RefusalCode.Removed)
            {
                Tell(events => events.RemovedFromCluster(peer.Member));
            }
            else
            {
                Tell(events => events.RefusedByPeer(peer.Member, refusal.Sentence));
            }
        }
        else
        {
            _settings.Log.Say(TransportLogLevel.Warning, $"{peer.Address} refuses a link: {refusal.Sentence}");
        }
        return _settings.RedialLongest;
    }

    private void Tell(Action<IPeerEvents> what)
    {
        if (!_silent)
        {
            what(_settings.Events);
        }
    }

    private void WaitToRedial(TimeSpan atMost)
    {
        if (!_stop.IsCancellationRequested)
        {
            _wake.Wait(_backoff.Next(atMost));
        }
    }
}
