using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Dialing;
using Consensus.Transport.Framing;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Links;

/// <summary>
/// Keeps one connection to one peer standing. A thread of its own dials, then waits on the connection so that its close is noticed at once,
/// dials again, and tells what it learns. All events about this peer's outgoing link come from that thread, in order. Where the peer may be is
/// looked at before each dial; the addresses are tried in turn until one of them answers as this very member.
/// </summary>
internal sealed class OutgoingLink : IDisposable
{
    /// <summary>A peer that is still starting is asked again at least this often, so that a fresh cluster stands well within a second.</summary>
    private static readonly TimeSpan NotReadyWait = TimeSpan.FromMilliseconds(100);

    /// <summary>A link that closes sooner than this, twice in a row, is not dialled again at once: the two sides may disagree about something.</summary>
    private static readonly TimeSpan ShortLife = TimeSpan.FromSeconds(1);

    private readonly LinkSettings _settings;
    private readonly Lock _gate = new();
    private readonly Whereabouts _whereabouts;
    private readonly LinkNotices _notices;
    private readonly MemberId _member;
    private readonly string _name;
    private readonly Thread? _predecessor;
    private readonly Thread _thread;
    private readonly Backoff _backoff;
    private readonly LinkRenewal _renewal;
    private readonly CancellationTokenSource _stop = new();
    private readonly Signal _wake = new();
    private volatile OutgoingConnection? _connection;
    private volatile bool _silent;

    /// <summary>Rises when the peer is to be dialled elsewhere than where the link stands.</summary>
    private volatile int _moves;

    private bool _lastWasShort;

    /// <param name="predecessor">The thread of a stopped link to the same member: its events come first.</param>
    public OutgoingLink(PeerEndpoint peer, LinkSettings settings, Thread? predecessor)
    {
        (_member, _name) = (peer.Member, peer.Name);
        _whereabouts = new Whereabouts(peer.Address);
        _settings = settings;
        _notices = new LinkNotices(peer.Name, peer.Address, settings);
        _predecessor = predecessor;
        _backoff = new Backoff(settings.RedialFirst, settings.RedialLongest, (ulong)(settings.Self.Boot ^ peer.Member.Value));
        _renewal = new LinkRenewal(settings.Renewal, settings.Tls, settings.Time, (ulong)(peer.Member.Value ^ (settings.Self.Boot << 1)));
        _thread = GuardedThread.Of($"peer link to {peer.Name}", Run, settings.Fatal);
    }

    public MemberId Member => _member;

    /// <summary>With the address where it stands, or where it is dialled first.</summary>
    public PeerEndpoint Peer
    {
        get
        {
            lock (_gate)
            {
                return new PeerEndpoint(_member, _name, _whereabouts.First);
            }
        }
    }

    public Thread Thread => _thread;

    public void Start() => _thread.Start();

    /// <summary>With the node's turn.</summary>
    public bool Send(ReadOnlySpan<byte> frame, bool isUrgent)
    {
        var connection = _connection;
        while (connection is not null && !connection.Send(frame, isUrgent))
        {
            // One that was just renewed takes nothing more; the next one does.
            var now = _connection;
            if (now == connection)
            {
                return false;
            }
            connection = now;
        }
        return connection is not null;
    }

    /// <summary>Bytes that wait for the network. Any thread.</summary>
    public long QueuedBytes => _connection?.QueuedBytes ?? 0;

    /// <summary>With the node's turn.</summary>
    public void Flush() => _connection?.Flush();

    /// <summary>
    /// The log says where the peer is. True when it is dialled elsewhere from now on, so that a link that stands is closed.
    /// </summary>
    /// <param name="isLinked">Its process has a link to us, and so has said itself where it is.</param>
    public bool IsLogged(string address, bool isLinked)
    {
        lock (_gate)
        {
            if (!_whereabouts.IsLogged(address, isLinked))
            {
                return false;
            }
        }
        _moves++;
        Interlocked.MemoryBarrier();
        _connection?.Close();
        _wake.Set();
        return true;
    }

    /// <summary>The peer's process says itself, or somebody who is sure, that it is there. A link to a living process of its is left alone.</summary>
    public void IsAt(string address)
    {
        lock (_gate)
        {
            if (!_whereabouts.IsAt(address))
            {
                return;
            }
        }
        _wake.Set();
    }

    /// <summary>Another member knows the peer there.</summary>
    public void MayBeAt(string address)
    {
        lock (_gate)
        {
            if (!_whereabouts.MayBeAt(address))
            {
                return;
            }
        }
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
        string? stoodAt = null;
        var next = 0;
        while (!_stop.IsCancellationRequested)
        {
            _wake.Reset();
            var moves = _moves;
            var (address, isLast) = Choose(ref next);
            var outcome = _settings.Dialer.Dial(address, HelloTo(), _stop.Token);
            var wait = _settings.RedialLongest;
            if (outcome.Status is not (DialStatus.Welcomed or DialStatus.Refused))
            {
                NoticeFailure(outcome, address);
            }
            switch (outcome.Status)
            {
                case DialStatus.Welcomed:
                    stoodAt = UseUntilClosed(address, moves, outcome, out var mayRedialAtOnce) ? address : null;
                    if (stoodAt is not null || mayRedialAtOnce)
                    {
                        next = 0;
                    }
                    if (mayRedialAtOnce)
                    {
                        continue;
                    }
                    break;
                case DialStatus.HostRefused:
                    if (stoodAt == address)
                    {
                        Tell(events => events.ProcessGone(_member));
                    }
                    Forget(address);
                    break;
                case DialStatus.Refused:
                    Forget(address);
                    wait = HandleRefusal(address, (Refusal)outcome.Reply!);
                    break;
                case DialStatus.Broken:
                    // A dying process may still accept, and then reset: the next dial tells whether its port is closed.
                    break;
                default:
                    Forget(address);
                    break;
            }
            if (isLast || stoodAt is not null)
            {
                WaitToRedial(wait);
            }
        }

        // What another address says is nothing that the process says where it stood: that one is still to be asked.
        void Forget(string address) => stoodAt = stoodAt == address ? null : stoodAt;
    }

    /// <summary>The address to dial now, and whether it is the last that is not tried yet.</summary>
    private (string Address, bool IsLast) Choose(ref int next)
    {
        lock (_gate)
        {
            return _whereabouts.InTurn(ref next);
        }
    }

    private Hello HelloTo() => new(_settings.Self, Purpose.Link, _name, "", []);

    /// <summary>True when it stood and was closed by the other side or the network.</summary>
    private bool UseUntilClosed(string address, int moves, DialOutcome outcome, out bool mayRedialAtOnce)
    {
        var welcome = (Welcome)outcome.Reply!;
        if (_settings.Handshake().Mistaken(welcome, new PeerEndpoint(_member, _name, address)) is { } mistake)
        {
            outcome.Connection!.Dispose();
            _settings.Log.Say(TransportLogLevel.Warning, $"no link to {_name}: {mistake}");
            mayRedialAtOnce = false;
            return false;
        }
        var started = _settings.Time.GetTimestamp();
        var connection = Opened(outcome, welcome);
        try
        {
            _connection = connection;
            Interlocked.MemoryBarrier();
            // IsLogged and Stop set their mark first and then close what they see: what they could not see is closed here.
            if (_stop.IsCancellationRequested || moves != _moves)
            {
                _connection = null;
                mayRedialAtOnce = true;
                return false;
            }
            NoticeLink(address);
            Tell(events => events.LinkUp(_member, welcome.Identity.Boot));
            _settings.Heard(welcome.Known);
            while (!connection.WaitUntilClosed(tls => connection.Doubt is not null || _renewal.IsDue(tls, connection.QueuedBytes)))
            {
                connection = Renewed(connection, address, moves);
            }
            _connection = null;
        }
        finally
        {
            connection.Dispose();
        }
        Tell(events => events.LinkDown(_member));
        var isShort = _settings.Time.GetElapsedTime(started) < ShortLife;
        mayRedialAtOnce = !(isShort && _lastWasShort);
        _lastWasShort = isShort;
        if (!isShort)
        {
            _backoff.Reset();
        }
        return !_stop.IsCancellationRequested && moves == _moves;
    }

    private OutgoingConnection Opened(DialOutcome outcome, Welcome welcome)
    {
        SocketIo.LimitUnacknowledged(outcome.Connection!.Socket);
        SocketIo.LimitUnsent(outcome.Connection.Socket);
        _renewal.Begin();
        return new OutgoingConnection(
            outcome.Connection, welcome.Identity.Boot, _settings.MaxQueuedBytes, _settings.MaxFrameBytes, _settings.Fatal);
    }

    /// <summary>
    /// The connection on which the link goes on: another one where it can be had, and else the same. Frames go to the other from the moment
    /// it stands, and the peer reads it once it has read the one before to its end: nothing is lost and nothing overtakes, so that nobody
    /// is told. Where that cannot be known, the link is told as broken and standing again.
    /// </summary>
    private OutgoingConnection Renewed(OutgoingConnection old, string address, int moves)
    {
        if ((old.Doubt ?? _renewal.WhyEnd(old.SealedRecords)) is { } why)
        {
            _settings.Log.Say(TransportLogLevel.Warning, $"the link to {_name} at {address} ends: {why}");
            old.Close();
            return old;
        }
        var outcome = _settings.Dialer.Dial(address, HelloTo() with { Renews = true }, _stop.Token);
        if (outcome.Status != DialStatus.Welcomed)
        {
            _renewal.Failed();
            _settings.Log.Say(
                TransportLogLevel.Warning, $"the link to {_name} at {address} goes on as it is: it cannot be renewed ({outcome.Detail})");
            if (outcome.Reply is Refusal refusal)
            {
                HandleRefusal(address, refusal);
            }
            return old;
        }
        var welcome = (Welcome)outcome.Reply!;
        var mistake = _settings.Handshake().Mistaken(welcome, new PeerEndpoint(_member, _name, address));
        if (mistake is not null || welcome.Identity.Boot != old.PeerBoot)
        {
            // Another process answers there by now: the one that this link led to is gone.
            outcome.Connection!.Dispose();
            old.Close();
            return old;
        }
        var next = Opened(outcome, welcome);
        _connection = next;
        Interlocked.MemoryBarrier();
        bool arrived;
        using (_stop.Token.Register(old.Close))
        {
            arrived = old.Finish(new Deadline(_settings.Time, _settings.Renewal.Switch));
        }
        old.Dispose();
        if (_stop.IsCancellationRequested || moves != _moves)
        {
            next.Close();
        }
        else if (!arrived)
        {
            Tell(events => events.LinkDown(_member));
            Tell(events => events.LinkUp(_member, next.PeerBoot));
        }
        return next;
    }

    /// <summary>It answered there as the very member that it is: from now on that is where it is dialled first.</summary>
    private void NoticeLink(string address)
    {
        lock (_gate)
        {
            _whereabouts.IsAt(address);
        }
        _notices.Linked(address);
    }

    private void NoticeFailure(DialOutcome outcome, string address)
    {
        lock (_gate)
        {
            _notices.Failed(outcome.Status, address, outcome.Detail, _whereabouts.All);
        }
    }

    private TimeSpan HandleRefusal(string address, Refusal refusal)
    {
        if (refusal.IsTransient)
        {
            return NotReadyWait;
        }
        if (_settings.Handshake().MustStop(refusal))
        {
            if (refusal.Code == RefusalCode.Removed)
            {
                Tell(events => events.RemovedFromCluster(_member));
            }
            else
            {
                Tell(events => events.RefusedByPeer(_member, refusal.Sentence));
            }
        }
        else
        {
            _settings.Log.Say(TransportLogLevel.Warning, $"{address} refuses a link: {refusal.Sentence}");
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
