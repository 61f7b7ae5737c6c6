using System.Text;
using Consensus.Node.Core;
using Consensus.Node.Peers;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Membership;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Tests.Core;

/// <summary>
/// Several <see cref="NodeCore"/>s in virtual time, in one thread: the very turns that a server runs. Every write is durable at the next turn, every frame
/// arrives at the next turn, unless a member is down or cut off.
/// </summary>
internal sealed class CoreCluster
{
    private const long StepMicros = 5_000;

    private readonly List<CoreMember> _members = [];
    private readonly HashSet<MemberId> _cut = [];
    private readonly List<(long At, CoreMember Sender, InstallSnapshotRequest Install)> _transfers = [];

    private readonly Limits _limits;

    /// <param name="turnUnits">What one turn may apply.</param>
    /// <param name="with">What else is not usual in their options.</param>
    public CoreCluster(int size, Limits? limits = null, long turnUnits = CoreMember.DefaultTurnUnits, Func<NodeCoreOptions, NodeCoreOptions>? with = null)
    {
        _limits = limits ?? Limits.Default;
        var configuration = Configuration.OfVoters(Enumerable.Range(1, size).Select(MemberOf));
        foreach (var member in configuration.Members)
        {
            _members.Add(new CoreMember(member, configuration, _limits, turnUnits: turnUnits, with: with));
        }
        foreach (var a in _members)
        {
            foreach (var b in _members.Where(b => b != a))
            {
                a.Inputs.Add(new LinkUpInput(b.Id, b.Boot));
            }
        }
    }

    /// <summary>A process that joins: it knows whom to talk to, and that nobody counts until the log says so.</summary>
    public CoreMember Join(int number)
    {
        var known = Leader.Core.Configuration;
        var bootstrap = new Configuration(known.Members, [], [], [.. known.Members.Select(m => m.Id)]);
        var joiner = new CoreMember(MemberOf(number), bootstrap, _limits);
        _members.Add(joiner);
        joiner.Inputs.AddRange(_members.Where(m => m != joiner).Select(m => new LinkUpInput(m.Id, m.Boot)));
        return joiner;
    }

    public static Member MemberOf(int number) => new(new MemberId(number), $"n{number}", $"n{number}:1");

    /// <summary>What a test wants to keep back, or change, on its way; null keeps it back.</summary>
    public Func<CoreMember, CoreMember, PeerMessage, PeerMessage?> OnTheWay { get; set; } = (_, _, message) => message;

    public long Now { get; private set; }

    public CoreMember Leader => _members.Single(m => !m.IsDown && !m.IsPaused && !_cut.Contains(m.Id) && m.Core.Role == RaftRole.Leader);

    public IReadOnlyList<CoreMember> Members => _members;

    public IEnumerable<CoreMember> Followers => _members.Where(m => m != Leader && !m.IsDown);

    public void UntilReady() => Until(() => _members.Where(m => !m.IsDown).All(m => m.Core.Status.Ready), "every member is ready");

    public void Until(Func<bool> condition, string what)
    {
        for (var steps = 0; steps < 6000; steps++)
        {
            if (condition())
            {
                return;
            }
            Step();
        }
        Assert.Fail($"not within 30 virtual seconds: {what}");
    }

    public void Run(long micros)
    {
        for (var end = Now + micros; Now < end;)
        {
            Step();
        }
    }

    /// <summary>How long a snapshot is on its way, in microseconds of virtual time.</summary>
    public long TransferMicros { get; set; } = 100_000;

    /// <summary>The snapshots that were offered, in order.</summary>
    public List<InstallSnapshotRequest> Offered { get; } = [];

    /// <summary>The member's process starts again with an empty disk. (What keeps such a one from voting is not the core's.)</summary>
    public CoreMember Wipe(CoreMember member)
    {
        Kill(member);
        member.Persisted.Clear();
        return Restart(member, othersNotice: true);
    }

    /// <summary>Lets time pass for everybody without anybody taking a turn, as when the machine stands still.</summary>
    public void StandStill(long micros) => Now += micros;

    public void CutOff(CoreMember member) => _cut.Add(member.Id);

    public void Reconnect(CoreMember member) => _cut.Remove(member.Id);

    /// <summary>Kills the process; the others see the refused connection.</summary>
    public void Kill(CoreMember member)
    {
        member.IsDown = true;
        foreach (var other in _members.Where(m => m != member))
        {
            other.Inputs.Add(new LinkDownInput(member.Id));
            other.Inputs.Add(new ProcessGoneInput(member.Id));
        }
    }

    /// <summary>Kills the process and starts the next on what was persisted. The others are linked with it, or have not noticed anything yet.</summary>
    public CoreMember Restart(CoreMember member, bool othersNotice)
    {
        var next = new CoreMember(member);
        _members[_members.IndexOf(member)] = next;
        foreach (var other in _members.Where(m => m != next && !m.IsDown))
        {
            next.Inputs.Add(new LinkUpInput(other.Id, other.Boot));
            if (othersNotice)
            {
                other.Inputs.Add(new LinkDownInput(next.Id));
                other.Inputs.Add(new LinkUpInput(next.Id, next.Boot));
            }
        }
        return next;
    }

    private void EndTransfers()
    {
        foreach (var transfer in _transfers.Where(t => t.At <= Now).ToList())
        {
            _transfers.Remove(transfer);
            var (_, sender, install) = transfer;
            var target = _members.Find(m => m.Id == install.To);
            if (target is { IsDown: false } && !_cut.Contains(install.To) && !_cut.Contains(install.From))
            {
                target.Inputs.Add(sender.Arrived(install));
                sender.Inputs.Add(new SnapshotSentInput(install, SnapshotOutcome.Taken));
            }
            else
            {
                sender.Inputs.Add(new SnapshotSentInput(install, SnapshotOutcome.Broken));
            }
        }
    }

    private void Step()
    {
        Now += StepMicros;
        EndTransfers();
        foreach (var member in _members.Where(m => !m.IsDown && !m.IsPaused))
        {
            foreach (var linked in member.NewPeers.Where(p => _members.Exists(m => m.Id == p)).ToList())
            {
                member.NewPeers.Remove(linked);
                member.Inputs.Add(new LinkUpInput(linked, _members.Find(m => m.Id == linked)!.Boot));
            }
            foreach (var (to, message) in member.Turn(Now))
            {
                if (_members.Find(m => m.Id == to) is { IsDown: false } target
                    && !_cut.Contains(member.Id)
                    && !_cut.Contains(to)
                    && OnTheWay(member, target, message) is { } arriving)
                {
                    target.Inputs.Add(new PeerMessageInput(member.Id, arriving));
                }
            }
            foreach (var install in member.TakeOffers())
            {
                Offered.Add(install);
                _transfers.Add((Now + TransferMicros, member, install));
            }
        }
    }
}

/// <summary>One core with its inbox; what it asks to persist is durable at its next turn.</summary>
internal sealed class CoreMember
{
    private readonly NodeOutput _output = new();
    private readonly NodeCoreOptions _options;
    private long _sequence;

    public const long DefaultTurnUnits = 5_000;

    private readonly Configuration _configuration;
    private readonly Dictionary<LogIndex, EncodedState> _files = [];
    private readonly List<InstallSnapshotRequest> _offers = [];
    private readonly List<(long At, NodeInput Done)> _flushes = [];

    public CoreMember(
        Member member, Configuration configuration, Limits limits, long turnUnits = DefaultTurnUnits, Func<NodeCoreOptions, NodeCoreOptions>? with = null)
        : this(member, configuration, limits, 100 + member.Id.Value, [], turnUnits, with)
    {
    }

    /// <summary>The next process of a member that took no snapshot.</summary>
    public CoreMember(CoreMember before)
        : this(
            new Member(before.Id, before._options.Name, before._options.PeerAddress),
            before._configuration,
            before._options.Limits,
            before.Boot + 1_000,
            before.Persisted,
            before._options.TurnUnits)
    {
    }

    private CoreMember(
        Member member,
        Configuration configuration,
        Limits limits,
        long boot,
        IReadOnlyList<PersistRequest> persisted,
        long turnUnits,
        Func<NodeCoreOptions, NodeCoreOptions>? with = null)
    {
        Id = member.Id;
        _configuration = configuration;
        _options = new NodeCoreOptions
        {
            Cluster = new ClusterId(1),
            Self = member.Id,
            Name = member.Name,
            Boot = boot,
            ClientUrl = $"http://{member.Name}",
            PeerAddress = member.PeerAddress,
            Version = "test",
            Raft = new RaftOptions { Seed = 7 },
            Limits = limits,
            TurnUnits = turnUnits,

            // So that tests see a member's state without asking for it.
            RenewViewMicros = 0,
        };
        _options = with?.Invoke(_options) ?? _options;
        Persisted.AddRange(persisted);
        Core = new NodeCore(_options, Recover(persisted), new ReplicatedState(limits), null);
    }

    /// <summary>Member 1 of so many voters, started on a log that it finds.</summary>
    public static CoreMember Recovered(int voters, IReadOnlyList<Entry> entries, long commit, long turnUnits) => new(
        CoreCluster.MemberOf(1),
        Configuration.OfVoters(Enumerable.Range(1, voters).Select(CoreCluster.MemberOf)),
        Limits.Default,
        101,
        [new PersistRequest(1, new HardState(entries[^1].Term, MemberId.None), null, null, entries, new LogIndex(commit))],
        turnUnits);

    public MemberId Id { get; }

    public long Boot => _options.Boot;

    public NodeCore Core { get; }

    public List<NodeInput> Inputs { get; } = [];

    public bool IsDown { get; set; }

    /// <summary>The process stands still, as after SIGSTOP: what others send waits in its inbox.</summary>
    public bool IsPaused { get; set; }

    /// <summary>What it asks to persist is not durable before this is over.</summary>
    public bool IsDiskStuck { get; set; }


    /// <summary>It was told, for sure, that it was removed.</summary>
    public bool IsRemoved { get; private set; }

    /// <summary>Whom it wants to be linked with, besides those it was before.</summary>
    public List<MemberId> NewPeers { get; } = [];

    public int TimesPeersWereTold { get; private set; }

    /// <summary>Whom it was told last to be linked with, and where.</summary>
    public IReadOnlyList<PeerEndpoint>? ToldPeers { get; private set; }

    public List<PersistRequest> Persisted { get; } = [];

    /// <summary>What the last turn said about older snapshots.</summary>
    public SnapshotMark? Compact => _output.Compact;

    /// <summary>The snapshots that it had saved.</summary>
    public List<SnapshotMark> Snapshots { get; } = [];

    /// <summary>What its operator was told.</summary>
    public List<string> Notices { get; } = [];

    /// <summary>How long its disk takes for a flush.</summary>
    public long FlushMicros { get; set; }

    /// <summary>There is room on its disk for snapshots.</summary>
    public bool HasRoom { get; set; } = true;

    /// <summary>How large the files of its snapshots are said to be.</summary>
    public long SnapshotBytes { get; set; } = 1;

    /// <summary>Another attempt of a request that had an identity.</summary>
    public PendingCommand SendAgain(PendingCommand first, Command command) =>
        Send(command, Encoding.UTF8.GetBytes($"key-{Id}-{first.Request.Sequence - 1}"));

    public PendingCommand Send(Command command, bool withIdentity = false, string principal = "") =>
        Send(command, withIdentity ? Encoding.UTF8.GetBytes($"key-{Id}-{_sequence}") : default, principal);

    private PendingCommand Send(Command command, ReadOnlyMemory<byte> key, string principal = "")
    {
        var writer = new WireWriter();
        var envelope = new CommandEnvelope(command, key, key.IsEmpty ? default : new byte[16]) { Principal = principal };
        CommandCodec.Write(writer, envelope);
        var pending = new PendingCommand(new RequestId(Id, _options.Boot, ++_sequence), envelope, writer.ToArray());
        Inputs.Add(new CommandInput(pending));
        return pending;
    }

    public PendingChange Change(MembershipChange change)
    {
        var pending = new PendingChange(new RequestId(Id, _options.Boot, ++_sequence), change);
        Inputs.Add(new MembershipInput(pending));
        return pending;
    }

    public PendingRead Read()
    {
        var read = new PendingRead(Revision.Zero);
        Inputs.Add(new ReadInput(read));
        return read;
    }

    public List<InstallSnapshotRequest> TakeOffers()
    {
        var offers = _offers.ToList();
        _offers.Clear();
        return offers;
    }

    /// <summary>What a member hears of that was sent this snapshot: its file must still be there.</summary>
    public SnapshotArrivedInput Arrived(InstallSnapshotRequest install)
    {
        var file = new SnapshotFile(install.Mark, SnapshotBytes);
        using var reader = _files[install.Mark.LastIndex].Open(file);
        return new SnapshotArrivedInput(install, file, ReplicatedState.Restore(_options.Limits, reader));
    }

    private RaftInitialState Recover(IReadOnlyList<PersistRequest> persisted)
    {
        var hardState = new HardState(Term.Zero, MemberId.None);
        var entries = new List<Entry>();
        var commit = LogIndex.Zero;
        foreach (var request in persisted)
        {
            hardState = request.HardState ?? hardState;
            foreach (var entry in request.Entries)
            {
                entries.RemoveRange((int)entry.Index.Value - 1, entries.Count - (int)entry.Index.Value + 1);
                entries.Add(entry);
            }
            commit = LogIndex.Max(commit, request.Commit);
        }
        return new RaftInitialState(Id, hardState, _configuration, null, entries, commit);
    }

    public List<(MemberId To, PeerMessage Message)> Turn(long now)
    {
        var inputs = Inputs.ToList();
        Inputs.Clear();
        _output.Clear();
        Core.Turn(now, inputs, moreIsWaiting: false, _output);
        foreach (var request in _output.Persists)
        {
            Persisted.Add(request);
            _flushes.Add((now + FlushMicros, request.TakenSnapshot is null ? new PersistedInput(request.Sequence) : new SnapshotMarkedInput()));
        }
        foreach (var flush in _flushes.TakeWhile(f => f.At <= now && !IsDiskStuck).ToList())
        {
            _flushes.Remove(flush);
            Inputs.Add(flush.Done);
        }
        if (_output.SaveSnapshot is { } order)
        {
            Snapshots.Add(order.Mark);
            _files[order.Mark.LastIndex] = new EncodedState(order.View);
            Inputs.Add(HasRoom ? new SnapshotSavedInput(new SnapshotFile(order.Mark, SnapshotBytes)) : new SnapshotNotSavedInput());
        }
        if (_output.RemoveSnapshotsBefore is { } oldest)
        {
            foreach (var old in _files.Keys.Where(index => index < oldest.LastIndex).ToList())
            {
                _files.Remove(old);
            }
        }
        _offers.AddRange(_output.SendSnapshots);
        Notices.AddRange(_output.Notices);
        TimesPeersWereTold += _output.Peers is null ? 0 : 1;
        ToldPeers = _output.Peers ?? ToldPeers;
        NewPeers.AddRange(_output.Peers?.Select(p => p.Member) ?? []);
        IsRemoved |= _output.IsRemoved;
        return [.. _output.Sends];
    }
}
