using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Consensus.Node;
using Consensus.Node.Core;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Node.Runtime;
using Consensus.Raft;
using Consensus.Security.Generations;
using Consensus.StateMachine;
using Consensus.Storage.Encryption;
using Consensus.Storage.Formation;
using Consensus.Transport;
using Consensus.Transport.Formation;
using Consensus.Transport.Joining;
using Consensus.Transport.Listening;

namespace Consensus.Server.Hosting;

/// <summary>
/// Puts one member together: data directory, forming or joining the cluster at the first start, recovery, node, links. Refusals come out as
/// <see cref="StorageRefusedException"/>, <see cref="FormationRefusedException"/>, <see cref="MemberRemovedException"/> or
/// <see cref="IOException"/> (the peer address cannot be had).
/// </summary>
public sealed class NodeHost : INodeHost
{
    /// <summary>Whoever starts with one may come to this many.</summary>
    private const int FewestMembers = 3;

    private readonly DataDirectory _directory;
    private readonly PeerListener _listener;
    private readonly TransportLog _log;
    private readonly TaskCompletionSource<string> _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly KeyFileWatch? _keyFile;
    private ClusterJoin? _join;
    private PeerTransport? _transport;
    private ConsensusNode? _node;
    private bool _stopped;

    private NodeHost(DataDirectory directory, PeerListener listener, TransportLog log, KeyRing? keys)
    {
        (_directory, _listener, _log, Keys) = (directory, listener, log, keys);
        _keyFile = keys is null ? null : new KeyFileWatch(keys, TimeProvider.System, sentence => log(LevelOf(keys), sentence));
    }

    public KeyRing? Keys { get; }

    public ConsensusNode Node => _node ?? throw new InvalidOperationException("the node is not started yet");

    IConsensusNode INodeHost.Node => Node;

    public DirectoryIdentity Identity => _directory.Identity;

    public Task<string> Removed => _removed.Task;

    /// <summary>
    /// Starts a member. Comes back as soon as it is formed, recovered and linked; that it is ready (has a leader) shows in its status. A first start waits
    /// here until it met all initial members, or one member of the cluster that it joins: also when it was to form one that is there already.
    /// </summary>
    /// <param name="fatal">Told once when the member cannot go on; must end the process without another answer.</param>
    /// <param name="log">One sentence at a time, for an operator: nothing of <see cref="TransportLogLevel.Debug"/>.</param>
    public static async Task<NodeHost> StartAsync(
        NodeHostOptions options,
        Action<string, Exception?> fatal,
        TransportLog log,
        CancellationToken cancellation)
    {
        log = WithoutDebug(log);
        if (!DataDirectory.HasIdentity(options.DataDirectory))
        {
            // Before anything is written: what a refused start leaves would have to be removed by whoever starts it as it was meant.
            MemberAddresses.CheckForFirstStart(options);
        }
        PeerListener? listener = null;
        DataDirectory? directory = null;
        NodeHost? host = null;
        try
        {
            listener = Listen(options.ListenPeer, options.Tls, log, fatal);
            CheckForClients(options.ListenClient);
            directory = DataDirectory.Open(options.DataDirectory, options.Name, ClusterIdentity.TokenDigest(options.ClusterToken), options.Storage);
            host = new NodeHost(directory, listener, log, options.Storage.Keys);
            var boot = RandomPositive();
            var advertised = options.AdvertisePeer.Length > 0 ? options.AdvertisePeer : listener.EndPoint.ToString();
            if (!directory.Identity.IsFormed)
            {
                MemberAddresses.CheckForFirstStart(options);
                await (options.Join.Count > 0
                    ? host.JoinAsync(options, options.Join, advertised, boot, log, fatal, cancellation)
                    : host.FormAsync(options, advertised, boot, log, fatal, cancellation)).ConfigureAwait(false);
            }
            host.Run(options, advertised, boot, log, fatal);
            return host;
        }
        catch
        {
            if (host is not null)
            {
                await host.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                listener?.Dispose();
                directory?.Dispose();
            }
            throw;
        }
    }

    /// <exception cref="IOException">The address cannot be had; names it, for a process has two.</exception>
    private static PeerListener Listen(IPEndPoint address, ITlsSource? tls, TransportLog log, Action<string, Exception?> fatal)
    {
        try
        {
            return PeerListener.Start(address, new PeerListenerOptions { Tls = tls, Log = log, Fatal = fatal });
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen for other members on {address}: {e.Message}", e);
        }
    }

    /// <summary>The web host listens there only when the node runs; a port that cannot be had is refused while nothing is written yet.</summary>
    /// <exception cref="IOException">The address cannot be had; names it.</exception>
    private static void CheckForClients(IPEndPoint? address)
    {
        if (address is null)
        {
            return;
        }
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }
            socket.Bind(address);
        }
        catch (SocketException e)
        {
            throw new IOException($"cannot listen for clients on {address}: {e.Message}", e);
        }
    }

    /// <summary>Hands over, settles and ends within the limit (rule 30).</summary>
    public async Task StopAsync(TimeSpan limit)
    {
        if (_stopped)
        {
            return;
        }
        _stopped = true;
        _keyFile?.Dispose();
        _join?.Dispose();
        if (_node is not null)
        {
            await _node.StopAsync(limit).ConfigureAwait(false);
        }
        if (_transport is not null)
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
        _listener.Dispose();
        _directory.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero).ConfigureAwait(false);

    private async Task FormAsync(
        NodeHostOptions options, string advertised, long boot, TransportLog log, Action<string, Exception?> fatal, CancellationToken cancellation)
    {
        if (options.InitialCluster is not { Count: > 1 } initial)
        {
            FormAlone(options, options.InitialCluster is [var only] ? only.Address : advertised);
            return;
        }
        var formation = new ClusterFormation(_listener, new FormationOptions
        {
            Name = options.Name,
            Incarnation = _directory.Identity.Incarnation,
            Token = options.ClusterToken,
            Boot = boot,
            InitialCluster = [.. initial.Select(p => new InitialPeer(p.Name, p.Address))],
            Tls = options.Tls,
            Log = log,
            Fatal = fatal,
        });
        Notice($"first start of {options.Name}: waiting to meet {string.Join(", ", initial.Where(p => p.Name != options.Name).Select(p => $"{p.Name} ({p.Address})"))}");
        var formed = await formation.RunAsync(cancellation).ConfigureAwait(false);
        if (!formed.IsFormed)
        {
            Notice($"cluster {formed.Cluster} was formed without this data directory, which is empty: {options.Name} forms none, and waits to be added to that one");
            await JoinAsync(options, OthersOf(options), advertised, boot, log, fatal, cancellation).ConfigureAwait(false);
            return;
        }
        _directory.Form(formed.Cluster, formed.Member, Configuration.OfVoters(formed.Members));
        Notice($"the cluster is formed: {formed.Cluster}");
    }

    /// <summary>Who is to meet nobody needs nothing of what meets others, whose code a start would wait for; and what is printed of the start says that it is alone.</summary>
    private void FormAlone(NodeHostOptions options, string address)
    {
        var incarnation = _directory.Identity.Incarnation;
        var self = new Member(ClusterIdentity.MemberIdOf(options.Name, incarnation), options.Name, address);
        var cluster = ClusterIdentity.ClusterIdOf(options.ClusterToken, [new InitialMember(self.Name, self.PeerAddress, incarnation)]);
        _directory.Form(cluster, self.Id, Configuration.OfVoters([self]));
    }

    /// <summary>The addresses of the other initial members: whom a process asks that was to form a cluster and came too late.</summary>
    private static List<string> OthersOf(NodeHostOptions options) =>
        [.. (options.InitialCluster ?? []).Where(peer => peer.Name != options.Name).Select(peer => peer.Address)];

    private ClusterJoin NewJoin(
        NodeHostOptions options, IReadOnlyList<string> addresses, string advertised, long boot, TransportLog log, Action<string, Exception?> fatal) => new(new JoinOptions
        {
            Identity = _directory.Identity,
            Boot = boot,
            AdvertisedAddress = advertised,
            Addresses = addresses,
            Tls = options.Tls,

            // --join is given by a person who looks at what comes of it; a unit file with --initial-cluster would be started again and again.
            WaitsForItsName = options.Join.Count == 0,
            Log = log,
            Fatal = fatal,
        });

    /// <summary>
    /// The identity is all that a joiner has. Its configuration is empty, so it neither campaigns nor counts for anything until the leader sends it a log
    /// that contains it.
    /// </summary>
    private async Task JoinAsync(
        NodeHostOptions options, IReadOnlyList<string> addresses, string advertised, long boot, TransportLog log, Action<string, Exception?> fatal, CancellationToken cancellation)
    {
        Notice($"first start of {options.Name}: asking {string.Join(", ", addresses)} which cluster to join");
        _join = NewJoin(options, addresses, advertised, boot, log, fatal);
        var cluster = await _join.RunAsync(cancellation).ConfigureAwait(false);
        var identity = _directory.Identity;
        _directory.Form(cluster, ClusterIdentity.MemberIdOf(identity.Name, identity.Incarnation), Configuration.Empty);
    }

    private void Run(NodeHostOptions options, string advertised, long boot, TransportLog log, Action<string, Exception?> fatal)
    {
        var identity = _directory.Identity;
        var recovered = _directory.Recover(out var durable);
        foreach (var note in recovered.Notes)
        {
            Notice(note);
        }
        var (state, snapshot) = Load(options.Limits, recovered.Snapshot);
        var memory = MemoryPlan.OfThisProcess;
        var coreOptions = new NodeCoreOptions
        {
            Cluster = identity.Cluster,
            Self = identity.Member,
            Name = identity.Name,
            Boot = boot,
            ClientUrl = options.AdvertiseClient,
            PeerAddress = advertised,
            Version = options.Version,
            Raft = options.Raft with
            {
                Seed = (ulong)RandomPositive(),
                MaxLogBytes = Math.Min(options.Raft.MaxLogBytes, memory.Log),
                TrailingBytes = Math.Min(options.Raft.TrailingBytes, memory.Log / 4),
                MaxInflightBytes = Math.Min(options.Raft.MaxInflightBytes, memory.Inflight),
                MaxUncommittedBytes = Math.Min(options.Raft.MaxUncommittedBytes, memory.Uncommitted),
            },
            Limits = options.Limits,
            InitialSettings = [.. options.InitialSettings],
            FirstAdmin = options.FirstAdmin,
            SnapshotEntries = options.SnapshotEntries,
            MaxPendingBytes = memory.Requests,
            MaxGivenUpBytes = memory.GivenUp,
            MaxInboxBytes = memory.InboxRequests,
            MaxInboxFrameBytes = memory.InboxFrames,
            MaxForeignBytes = memory.ForeignRequests,
        };
        var core = new NodeCore(
            coreOptions,
            new RaftInitialState(identity.Member, recovered.HardState, recovered.Configuration, recovered.Snapshot, recovered.Entries, recovered.Commit),
            state,
            snapshot);
        var whereabouts = MemberAddresses.Resolve(options, advertised, core.Configuration);
        foreach (var notice in MemberAddresses.Notices(options, advertised, _listener.EndPoint, core))
        {
            Notice(notice);
        }
        if (memory.Warning(state.Limits, Math.Max(core.Configuration.Members.Length, FewestMembers)) is { } warning)
        {
            _log(TransportLogLevel.Warning, warning);
        }
        var called = WhomToCall(options, recovered);
        SayIfNotAdded(core.Configuration, isSeen: called.Count > 0);
        var surroundings = new NodeSurroundings(durable, _directory.Snapshots, TimeProvider.System, fatal, Notice)
        {
            Warn = sentence => _log(TransportLogLevel.Warning, sentence),
            Removed = sentence => _removed.TrySetResult(sentence),
        };
        var node = new ConsensusNode(coreOptions, core, surroundings);
        _node = node;
        // Before a link stands: what is revoked in the state that was found on the disk is so from the first handshake on.
        options.Tls?.Members.Follow(
            () => node.Policy.Revision, fingerprint => node.Policy.IsRevoked(Key.Own(fingerprint)));
        _transport = new PeerTransport(
            _listener,
            new PeerTransportOptions
            {
                Identity = identity,
                Boot = boot,
                AdvertisedAddress = advertised,
                Whereabouts = whereabouts,
                Tls = options.Tls,
                Log = log,
                Fatal = fatal,
                MaxQueuedBytesPerLink = (int)memory.Link,
            },
            _node.Events);
        _node.Start(_transport);
        if (_join is null && called.Count > 0)
        {
            _join = NewJoin(options, called, advertised, boot, log, fatal);
        }
        _join?.KeepCalling(identity, () => IsWaiting(_node.Status), () => _node.Events.RemovedFromCluster(identity.Member));
    }

    /// <summary>
    /// Without a leader a member may be one whose entry was lost again before it was committed: then only calling shows anybody that it is there. Those who know
    /// it as a member do not list it.
    /// </summary>
    private static bool IsWaiting(NodeStatus status) => status.Leader.IsNone || !status.Members.Any(member => member.IsSelf);

    /// <summary>
    /// Whom a process shows itself to that is not added yet. The initial members, when it was started to form a cluster with them and came too late: what it recovers before its
    /// log's first entry does not name it then.
    /// </summary>
    private IReadOnlyList<string> WhomToCall(NodeHostOptions options, RecoveredLog recovered) =>
        options.Join.Count > 0 ? options.Join
        : recovered.Configuration.Find(_directory.Identity.Member) is null ? OthersOf(options)
        : [];

    private void SayIfNotAdded(Configuration configuration, bool isSeen)
    {
        var identity = _directory.Identity;
        if (configuration.Find(identity.Member) is null && !configuration.Removed.Contains(identity.Member))
        {
            Notice($"{identity.Name} waits to be added to cluster {identity.Cluster}: {(isSeen ? StartupText.HowToAdd(identity.Name) : $"start consensusd --name {identity.Name} again with --join HOST:PORT, the peer address of a member, so that the members see it")}");
        }
    }

    private (ReplicatedState State, SnapshotFile? File) Load(Limits limits, SnapshotMark? mark)
    {
        if (mark is null)
        {
            return (new ReplicatedState(limits), null);
        }
        using var reader = _directory.Snapshots.Open(mark);
        return (ReplicatedState.Restore(limits, reader), reader.File);
    }

    private static TransportLogLevel LevelOf(KeyRing keys) => keys.Trouble is null ? TransportLogLevel.Information : TransportLogLevel.Warning;

    private void Notice(string sentence) => _log(TransportLogLevel.Information, sentence);

    private static TransportLog WithoutDebug(TransportLog log) => (level, sentence) =>
    {
        if (level != TransportLogLevel.Debug)
        {
            log(level, sentence);
        }
    };

    private static long RandomPositive()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return Math.Max(1, BinaryPrimitives.ReadInt64LittleEndian(bytes) & long.MaxValue);
    }
}
