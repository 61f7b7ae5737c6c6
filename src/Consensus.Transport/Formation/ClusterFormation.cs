using Consensus.Node.Formation;
using Consensus.Primitives;
using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;
using Consensus.Transport.Listening;

namespace Consensus.Transport.Formation;

/// <summary>
/// The first start of a cluster (rule 7): with an empty data directory, waits until all initial members have met and agree on each one's
/// incarnation. How they agree: <see cref="Meeting"/>.
/// </summary>
/// <remarks>
/// After <see cref="RunAsync"/> returned, the listener goes on answering members that still meet, until a <see cref="PeerTransport"/> takes it
/// over. Nothing may be said to be formed before the result is on this member's disk; this class never says it.
/// </remarks>
public sealed class ClusterFormation : IConnectionPolicy
{
    private static readonly TimeSpan RedialFirst = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan RedialLongest = TimeSpan.FromMilliseconds(100);

    private readonly FormationOptions _options;
    private readonly InitialCluster _cluster;
    private readonly Meeting _meeting;
    private readonly PeerIdentity _self;
    private readonly Dictionary<string, MeetingDialer> _dialers = [];
    private readonly Signal _changed = new();
    private volatile string? _refused;

    /// <summary>The cluster that a listed member belongs to already, without this process.</summary>
    private volatile FormationResult? _formedWithoutUs;

    /// <summary>Judges an initial list before anything else is done with it; which of its members this one is does not matter here.</summary>
    /// <exception cref="ArgumentException">No cluster can come of the initial list; the message is one sentence for the operator.</exception>
    public static void Check(IReadOnlyList<InitialPeer> initial) => InitialCluster.Of(initial.Count > 0 ? initial[0].Name : "", initial);

    /// <exception cref="ArgumentException">No cluster can come of the initial list; the message is one sentence for the operator.</exception>
    public ClusterFormation(PeerListener listener, FormationOptions options)
    {
        _options = options;
        _cluster = InitialCluster.Of(options.Name, options.InitialCluster);
        _meeting = new Meeting(_cluster, options.Incarnation, options.Token);
        _self = new PeerIdentity(
            ClusterIdentity.TokenDigest(options.Token),
            ClusterId.None,
            MemberId.None,
            options.Name,
            options.Incarnation,
            options.Boot,
            _cluster.Self.PeerAddress);
        var dialer = new PeerDialer(options.DialTimeout, options.HandshakeTimeout, options.Time, options.Tls);
        foreach (var peer in _cluster.Others)
        {
            var backoff = new Backoff(RedialFirst, RedialLongest, (ulong)options.Boot ^ (ulong)_dialers.Count);
            _dialers.Add(peer.Name, new MeetingDialer(peer, stop => dialer.Dial(peer.PeerAddress, HelloTo(peer), stop), backoff, Take, options.Fatal));
        }
        listener.Use(this);
    }

    /// <summary>
    /// Ends when all initial members agree, or when one of them belongs to a cluster already that was formed without this process, which then never forms one; waits without an end.
    /// Throws <see cref="FormationRefusedException"/> when one of them says that this member cannot take part.
    /// </summary>
    public Task<FormationResult> RunAsync(CancellationToken cancellation) =>
        Task.Factory.StartNew(() => Run(cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <inheritdoc/>
    HandshakeReply IConnectionPolicy.Judge(Hello hello)
    {
        var from = hello.Identity;
        if (!from.TokenDigest.Span.SequenceEqual(_self.TokenDigest.Span))
        {
            return Refuse(RefusalCode.TokenMismatch, $"{_self.Name} was started with another --cluster-token than {from.Name}.");
        }
        if (hello.Purpose == Purpose.Join)
        {
            return Refuse(RefusalCode.NotReady, $"{_self.Name} is still forming its cluster.");
        }
        if (hello.Wanted != _self.Name || from.Name == _self.Name)
        {
            return Refuse(RefusalCode.WrongName, $"{from.Name} dialled {hello.Wanted}, but {_self.Name} answers at this address.");
        }
        if (hello.Purpose != Purpose.Meet || from.IsFormed)
        {
            // A formed member dials us: its answer to our own dial will tell what it knows.
            if (from.IsFormed && _dialers.TryGetValue(from.Name, out var formed))
            {
                formed.Wake();
            }
            return Refuse(RefusalCode.NotReady, $"{_self.Name} is still forming its cluster.");
        }
        if (hello.InitialCluster != _cluster.Text)
        {
            return Refuse(
                RefusalCode.InitialClusterMismatch,
                $"{from.Name} was started with --initial-cluster {hello.InitialCluster} but {_self.Name} with {_cluster.Text}.");
        }
        if (!_dialers.TryGetValue(from.Name, out var dialer))
        {
            return Refuse(RefusalCode.UnknownMember, $"--initial-cluster {_cluster.Text} does not list {from.Name}.");
        }
        if (_meeting.Heard(from.Name, from.Incarnation, hello.Known))
        {
            // It knows nothing yet of what we just learned, and a changed incarnation counts only as an answer.
            dialer.Wake();
            _changed.Set();
        }
        return new Welcome(_self, _meeting.View);
    }

    /// <inheritdoc/>
    void IConnectionPolicy.Serve(Hello hello, AcceptedConnection connection)
    {
        // Hello and Welcome were all there is to a meeting.
    }

    private FormationResult Run(CancellationToken cancellation)
    {
        using var wakeOnCancel = cancellation.Register(_changed.Set);
        try
        {
            foreach (var dialer in _dialers.Values)
            {
                dialer.Start();
            }
            while (true)
            {
                _changed.Reset();
                if (_meeting.Decision is { } decision)
                {
                    return decision;
                }
                if (_formedWithoutUs is { } formed)
                {
                    return formed;
                }
                if (_refused is { } sentence)
                {
                    throw new FormationRefusedException(sentence);
                }
                cancellation.ThrowIfCancellationRequested();
                if (!_changed.Wait(_options.ReminderEvery))
                {
                    Remind();
                }
            }
        }
        finally
        {
            foreach (var dialer in _dialers.Values)
            {
                dialer.Stop();
            }
            foreach (var dialer in _dialers.Values)
            {
                dialer.Dispose();
            }
        }
    }

    private void Remind()
    {
        var met = _meeting.Met;
        var awaited = _meeting.Awaited;
        var missed = awaited.Where(peer => !met.Contains(peer.Name)).ToList();
        var text = met.Count == 0 ? $"{_self.Name} has met nobody yet" : $"{_self.Name} has met {string.Join(", ", met.Select(Told))}";
        if (missed.Count > 0)
        {
            var where = missed.Select(peer => $"{peer.Name} ({peer.PeerAddress}: {_dialers[peer.Name].LatestDetail})");
            text += $", and waits to meet {string.Join(", ", where)}; start who does not run, and if somebody has moved, "
                + $"start {_self.Name} again with the present addresses in --initial-cluster";
        }
        _options.Log(TransportLogLevel.Information, text);

        // One that was met is waited for too, until it has met the others.
        string Told(string name) => awaited.Any(peer => peer.Name == name) ? $"{name} ({_dialers[name].LatestDetail})" : name;
    }

    private Hello HelloTo(InitialPeer peer) => new(_self, Purpose.Meet, peer.Name, _cluster.Text, _meeting.View);

    /// <summary>Judges a dial's outcome; on the dialler's thread. The result is what to say while waiting for that peer.</summary>
    private string Take(InitialPeer peer, DialOutcome outcome)
    {
        outcome.Connection?.Dispose();
        switch (outcome.Reply)
        {
            case Welcome welcome:
                return TakeWelcome(peer, welcome);
            // A formed member does not know this directory: the cluster is there, and this process is a stranger to it, whatever its name (rule 7).
            case Refusal { Code: RefusalCode.DirectoryReplaced or RefusalCode.UnknownMember or RefusalCode.Removed, Cluster.IsNone: false } refusal:
                Exists(refusal.Cluster);
                return refusal.Sentence;
            case Refusal { IsTransient: false } refusal:
                Stop(refusal.Sentence);
                return refusal.Sentence;
            default:
                return outcome.Detail;
        }
    }

    private string TakeWelcome(InitialPeer peer, Welcome welcome)
    {
        var to = welcome.Identity;
        if (!to.TokenDigest.Span.SequenceEqual(_self.TokenDigest.Span) || to.Name != peer.Name)
        {
            return $"{to.Name} answers there";
        }
        if (to.IsFormed)
        {
            var obstacle = _meeting.Join(to.Cluster, welcome.Known);
            if (obstacle is not null)
            {
                Exists(to.Cluster);
            }
            _changed.Set();
            return obstacle ?? "formed";
        }
        if (_meeting.Answered(to.Name, to.Incarnation, welcome.Known))
        {
            _changed.Set();
            // Our view may have grown by this: the others wait to hear it.
            foreach (var (name, dialer) in _dialers)
            {
                if (name != to.Name)
                {
                    dialer.Wake();
                }
            }
        }
        return "has not met everyone yet";
    }

    private void Exists(ClusterId cluster)
    {
        _formedWithoutUs = new FormationResult(cluster, _meeting.Self, []);
        _changed.Set();
    }

    private void Stop(string sentence)
    {
        _refused = sentence;
        _changed.Set();
    }

    private Refusal Refuse(RefusalCode code, string sentence) => new(code, sentence, ClusterId.None, _self.Name);
}
