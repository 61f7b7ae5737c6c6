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

    /// <summary>Dials in vain, one after the other, before an operator is told: a process that is started again is back sooner.</summary>
    private const int FailuresBeforeNotice = 8;

    private readonly LinkSettings _settings;
    private readonly Lock _gate = new();
    private readonly Whereabouts _whereabouts;
    private readonly RateLimitedLog _notices;
    private readonly MemberId _member;
    private readonly string _name;
    private readonly Thread? _predecessor;
    private readonly Thread _thread;
    private readonly Backoff _backoff;
    private readonly CancellationTokenSource _stop = new();
    private readonly Signal _wake = new();
    private volatile OutgoingConnection? _connection;
    private volatile bool _silent;

    /// <summary>Rises when the peer is to be dialled elsewhere than where the link stands.</summary>
    private volatile int _moves;

    private bool _lastWasShort;
    private int _failures;

    /// <summary>Where this member was taken to be last; an operator is told when it turns out to be elsewhere.</summary>
    private string _knownAt;

    /// <param name="predecessor">The thread of a stopped link to the same member: its events come first.</param>
    public OutgoingLink(PeerEndpoint peer, LinkSettings settings, Thread? predecessor)
    {
        (_member, _name, _knownAt) = (peer.Member, peer.Name, peer.Address);
        _whereabouts = new Whereabouts(peer.Address);
        _settings = settings;
        _notices = new RateLimitedLog(settings.Notices, settings.Time);
        _predecessor = predecessor;
        _backoff = new Backoff(settings.RedialFirst, settings.RedialLongest, (ulong)(settings.Self.Boot ^ peer.Member.Value));
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
    public bool Send(ReadOnlySpan<byte> frame, bool isUrgent) => _connection?.Send(frame, isUrgent) ?? false;

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
                NoticeFailure(outcome.Status, address, outcome.Detail);
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
            var all = _whereabouts.All;
            var now = next < all.Count ? next : 0;
            next = (now + 1) % all.Count;
            return (all[now], next == 0);
        }
    }

    private Hello HelloTo() => new(_settings.Self, Purpose.Link, _name, "", []);

    /// <summary>True when it stood and was closed by the other side or the network.</summary>
    private bool UseUntilClosed(string address, int moves, DialOutcome outcome, out bool mayRedialAtOnce)
    {
        var welcome = (Welcome)outcome.Reply!;
        if (_settings.Handshake().Mistaken(welcome, new PeerEndpoint(_member, _name, address)) is { } mistake)
        {
            outcome.Socket!.Dispose();
            _settings.Log.Say(TransportLogLevel.Warning, $"no link to {_name}: {mistake}");
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
            connection.WaitUntilClosed();
            _connection = null;
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

    /// <summary>It answered there as the very member that it is: from now on that is where it is dialled first.</summary>
    private void NoticeLink(string address)
    {
        lock (_gate)
        {
            _whereabouts.IsAt(address);
        }
        if (address != _knownAt)
        {
            _notices.Say(TransportLogLevel.Information, $"{_name} has moved: it answers at {address}, and no longer at {_knownAt}");
        }
        else if (_failures >= FailuresBeforeNotice)
        {
            _notices.Say(TransportLogLevel.Information, $"{_name} answers again at {address}");
        }
        _knownAt = address;
        _failures = 0;
    }

    private void NoticeFailure(DialStatus status, string address, string detail)
    {
        _settings.Log.Say(status == DialStatus.Exhausted ? TransportLogLevel.Warning : TransportLogLevel.Debug, $"no link to {_name} at {address}: {detail}");
        if (++_failures == FailuresBeforeNotice)
        {
            string addresses;
            lock (_gate)
            {
                addresses = string.Join(" or ", _whereabouts.All);
            }
            _notices.Say(
                TransportLogLevel.Information,
                $"{_name} does not answer at {addresses} ({detail}) and is dialled on; should it have moved, it says so itself as soon as it reaches this member, "
                    + $"or --peer-address {_name}=HOST:PORT does");
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
