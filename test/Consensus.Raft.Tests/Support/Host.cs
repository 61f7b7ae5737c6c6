using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Tests.Support;

/// <summary>
/// The owner of one core, as <see cref="Ready"/> asks it to be: messages leave at once or after the disk, committed entries are applied in order.
/// </summary>
internal sealed class Host
{
    private readonly Configuration _initial;
    private RaftOptions _options;
    private readonly Queue<(long Sequence, IReadOnlyList<Message> Messages)> _held = new();
    private long _durable;

    public Host(MemberId id, Configuration initial, RaftOptions options, Disk disk)
    {
        Id = id;
        Disk = disk;
        _initial = initial;
        _options = options;
        Node = Start();
    }

    public MemberId Id { get; }

    public Disk Disk { get; }

    public RaftNode Node { get; private set; }

    /// <summary>Whether writes complete as soon as they are submitted.</summary>
    public bool PersistsAtOnce { get; set; } = true;

    /// <summary>A mistake made on purpose: votes and acknowledgements do not wait for the disk.</summary>
    public bool SpeaksBeforeItPersists { get; init; }

    /// <summary>Messages that left, oldest first; tests take them out.</summary>
    public List<Message> Sent { get; } = [];

    /// <summary>Everything applied since the last start or installed snapshot.</summary>
    public List<Entry> Applied { get; } = [];

    public LogIndex AppliedIndex { get; private set; }

    /// <summary>How many messages wait for the disk.</summary>
    public int Held => _held.Sum(static held => held.Messages.Count);

    public List<ReadState> Reads { get; } = [];

    /// <summary>The configuration in force at <see cref="AppliedIndex"/>.</summary>
    public Configuration AppliedConfiguration { get; private set; } = Configuration.Empty;

    /// <summary>Called with every Ready before anything is done with it.</summary>
    public Action<Ready>? OnReady { get; set; }

    /// <summary>Called for every message as it leaves.</summary>
    public Action<Message>? OnSent { get; set; }

    public void Step(Message message)
    {
        Node.Step(message);
        Pump();
    }

    public void Tick(int ticks)
    {
        Node.Tick(ticks);
        Pump();
    }

    /// <summary>Ticks until the core says that something is due, then lets it happen.</summary>
    public void TickToTimeout() => Tick(Node.TicksUntilNextTimeout());

    public ProposeResult Propose(int bytes = 8)
    {
        var result = Node.Propose(Make.Command(bytes), out _, out _);
        Pump();
        return result;
    }

    /// <summary>Does what the core asks for, until it asks for nothing.</summary>
    public void Pump()
    {
        while (Node.HasReady)
        {
            Handle(Node.TakeReady());
            while (PersistsAtOnce && Disk.Waiting > 0)
            {
                PersistOneOnly();
            }
        }
    }

    /// <summary>Completes the oldest write and what follows from it.</summary>
    public void PersistOne()
    {
        PersistOneOnly();
        Pump();
    }

    public void PersistAll()
    {
        while (Disk.Waiting > 0)
        {
            PersistOne();
        }
    }

    /// <summary>Takes out everything that left, or only messages of one type.</summary>
    public List<TMessage> Take<TMessage>()
        where TMessage : Message
    {
        var taken = Sent.OfType<TMessage>().ToList();
        Sent.RemoveAll(m => m is TMessage);
        return taken;
    }

    public TMessage TakeOne<TMessage>()
        where TMessage : Message
    {
        var taken = Take<TMessage>();
        Invariant.Require(taken.Count == 1, $"one {typeof(TMessage).Name} left");
        return taken[0];
    }

    public TMessage TakeOne<TMessage>(MemberId to)
        where TMessage : Message
    {
        var taken = Take<TMessage>().Where(m => m.To == to).ToList();
        Invariant.Require(taken.Count == 1, $"one {typeof(TMessage).Name} left for {to}");
        return taken[0];
    }

    /// <summary>A snapshot of everything applied so far.</summary>
    public SnapshotMark TakeSnapshot()
    {
        Invariant.Require(Node.Log.TryGetTerm(AppliedIndex, out var term), "the last applied entry is in the log");
        var stamp = AppliedIndex >= Node.FirstIndex ? Node.Log[AppliedIndex].Stamp : ClusterTime.Zero;
        var mark = new SnapshotMark(AppliedIndex, term, stamp, AppliedConfiguration);
        Disk.SaveSnapshot(mark);
        Node.SnapshotTaken(mark);
        return mark;
    }

    /// <summary>Which of this member's processes runs.</summary>
    public long Boot => _options.Boot;

    /// <summary>Everything that is not on disk is lost.</summary>
    public void CrashAndRestart()
    {
        Disk.Crash();
        _held.Clear();
        _durable = 0;
        Sent.Clear();
        Applied.Clear();
        Reads.Clear();
        _options = _options with { Boot = _options.Boot + 1 };
        Node = Start();
    }

    /// <summary>Runs an election that everybody else's vote wins; nothing of it is left in <see cref="Sent"/>.</summary>
    public void BecomeLeader()
    {
        var persistsAtOnce = PersistsAtOnce;
        PersistsAtOnce = true;
        while (Node.Role is RaftRole.Follower)
        {
            TickToTimeout();
        }
        foreach (var request in Take<PreVoteRequest>())
        {
            Step(new PreVoteResponse(request.To, Id, request.Term, Granted: true) { Boot = request.Boot });
        }
        foreach (var request in Take<VoteRequest>())
        {
            Step(new VoteResponse(request.To, Id, request.Term, Granted: true));
        }
        Invariant.Require(Node.Role == RaftRole.Leader, "who has everybody's vote leads");
        PersistsAtOnce = persistsAtOnce;
    }

    /// <summary>A follower acknowledges everything in the leader's log.</summary>
    public void AcknowledgeAll(params int[] followers)
    {
        foreach (var follower in followers)
        {
            Step(new AppendResponse(Make.Id(follower), Id, Node.Term, true, Node.LastIndex, LogIndex.Zero, Term.Zero, 0));
        }
    }

    private RaftNode Start()
    {
        AppliedIndex = Disk.Snapshot?.LastIndex ?? LogIndex.Zero;
        AppliedConfiguration = Disk.Snapshot?.Configuration ?? _initial;
        return new RaftNode(_options, Disk.Recover(Id, _initial));
    }

    private void Handle(Ready ready)
    {
        OnReady?.Invoke(ready);
        Send(ready.Messages);
        if (ready.Snapshot is not null)
        {
            Invariant.Require(ready.Snapshot.LastIndex > AppliedIndex, "a snapshot never takes the state back");
            AppliedIndex = ready.Snapshot.LastIndex;
            AppliedConfiguration = ready.Snapshot.Configuration;
            Applied.Clear();
        }
        if (ready.MustPersist)
        {
            Disk.Submit(ready);
        }
        if (ready.MessagesAfterPersist.Count > 0)
        {
            if (Disk.Waiting == 0 || SpeaksBeforeItPersists)
            {
                Send(ready.MessagesAfterPersist);
            }
            else
            {
                _held.Enqueue((Disk.LastSubmitted, ready.MessagesAfterPersist));
            }
        }
        foreach (var entry in ready.Committed)
        {
            Invariant.Require(entry.Index == AppliedIndex.Next, "entries are applied in order, each once");
            Invariant.Require(Disk.Holds(entry.Index, entry.Term), "only what is durable here is applied");
            AppliedIndex = entry.Index;
            if (entry.Kind == EntryKind.Configuration)
            {
                AppliedConfiguration = RaftCodec.ReadConfiguration(entry.Payload.Span);
            }
            Applied.Add(entry);
        }
        Reads.AddRange(ready.Reads);
    }

    private void PersistOneOnly()
    {
        _durable = Disk.CompleteOne();
        Node.Persisted(_durable);
        while (_held.TryPeek(out var next) && next.Sequence <= _durable)
        {
            Send(_held.Dequeue().Messages);
        }
    }

    private void Send(IReadOnlyList<Message> messages)
    {
        foreach (var message in messages)
        {
            OnSent?.Invoke(message);
            Sent.Add(message);
        }
    }
}
