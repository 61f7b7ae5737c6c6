using System.Text;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Snapshots;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tests;

/// <summary>A state machine with a hand-moved clock, fed through the codec as a log would.</summary>
internal sealed class Machine(Limits? limits = null)
{
    private readonly Limits _limits = limits ?? Limits.Default;
    private long _sequence;

    public ReplicatedState State { get; private set; } = new(limits ?? Limits.Default);

    public ClusterTime Now { get; set; } = new(1_000_000);

    public List<Resolution> All { get; } = [];

    public StateView View => State.TakeView();

    /// <summary>How many there are of everything, without the history, and without what is remembered of locks that nobody holds.</summary>
    public StateCounts Records => View.Counts with { Changes = 0, HistoryBytes = 0, StateBytes = 0, QuotaBytes = 0 };

    public RequestId Last => Request(_sequence);

    /// <summary>What the last command is charged for.</summary>
    public long Objects { get; private set; }

    /// <summary>As above, of what is light.</summary>
    public long Light { get; private set; }

    public static RequestId Request(long sequence, long member = 1, long boot = 1) => new(new MemberId(member), boot, sequence);

    public static Key Key(string text) => Consensus.StateMachine.Key.FromText(text);

    /// <summary>Applies one command and gives its own outcome; every resolution is in <see cref="All"/>.</summary>
    public Outcome Do(Command command, string identity = "", byte fingerprint = 1, long member = 1, long boot = 1, string principal = "", SessionRequest session = default)
    {
        var writer = new WireWriter();
        ReadOnlyMemory<byte> key = Encoding.UTF8.GetBytes(identity);
        ReadOnlyMemory<byte> print = identity.Length > 0 || !session.IsNone ? Enumerable.Repeat(fingerprint, 16).ToArray() : default;
        CommandCodec.Write(writer, new CommandEnvelope(command, key, print) { Session = session });
        var request = Request(++_sequence, member, boot);
        var output = new ApplyOutput();
        State.Apply(new LoggedEntry(State.AppliedIndex.Next, Now, true, request, principal, writer.ToArray()), output);
        All.AddRange(output.Resolutions);
        (Objects, Light) = (output.Objects, output.Light);
        if (IsSmall(State.Counts))
        {
            State.Verify();
        }
        return output.Resolutions.Last(r => r.Request == request).Outcome;
    }

    public void Pass(long micros) => Now = Now.PlusMicros(micros);

    /// <summary>The final outcomes that this request got so far.</summary>
    public IEnumerable<Outcome> OutcomesOf(RequestId request) => All.Where(r => r.Request == request).Select(r => r.Outcome);

    public HoldGranted Acquire(string name, long lease, long ttlMicros = 10_000_000) =>
        (HoldGranted)Do(new AcquireCommand(Key(name), "owner", ttlMicros, new LeaseId(lease), LeaseId.None, 0));

    public RequestId Wait(string name, long lease, long waitMicros = 60_000_000, string identity = "", long member = 1)
    {
        var outcome = Do(new AcquireCommand(Key(name), "waiter", 10_000_000, new LeaseId(lease), LeaseId.None, waitMicros), identity, member: member);
        Assert.That(outcome, Is.InstanceOf<HoldQueued>());
        return Request(_sequence, member);
    }

    public Outcome Release(string name, FencingToken token) => Do(new ReleaseHoldCommand(Key(name), token, Force: false));

    public byte[] Snapshot() => SnapshotBuffer.Of(View).Bytes();

    public void RestoreFromSnapshot()
    {
        var counts = State.Counts;
        State = ReplicatedState.Restore(_limits, SnapshotBuffer.Of(View));
        State.Verify();
        Assert.That(State.Counts, Is.EqualTo(counts), "what a quota judges is the same, however the state came about");
    }

    /// <summary>Looking at everything after each command is for states that are looked at quickly.</summary>
    private static bool IsSmall(StateCounts counts) =>
        counts.Keys + counts.Leases + counts.HoldsInUse + counts.Waiters + counts.IdempotencyKeys + counts.ForgottenKeys + counts.BriefAnswers + counts.SessionAnswers + counts.Changes < 1_000;
}

/// <summary>A snapshot's sections in memory.</summary>
internal sealed class SnapshotBuffer : ISnapshotSink, ISnapshotSource
{
    private readonly List<(int Kind, byte[] Body)> _sections = [];
    private int _next;

    public List<(int Kind, byte[] Body)> Sections => _sections;

    public static SnapshotBuffer Of(StateView view)
    {
        var buffer = new SnapshotBuffer();
        SnapshotWriter.Write(view, buffer);
        return buffer;
    }

    public void Section(int kind, ReadOnlySpan<byte> body) => _sections.Add((kind, body.ToArray()));

    public bool NextSection(out int kind, out ReadOnlyMemory<byte> body)
    {
        (kind, body) = _next < _sections.Count ? (_sections[_next].Kind, _sections[_next].Body) : (0, default(ReadOnlyMemory<byte>));
        return _next++ < _sections.Count;
    }

    public byte[] Bytes() => [.. _sections.SelectMany(s => s.Body.Prepend((byte)s.Kind))];
}
