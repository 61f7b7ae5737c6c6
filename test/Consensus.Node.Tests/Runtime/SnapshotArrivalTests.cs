using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Node.Runtime;
using Consensus.Node.Tests.Core;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.StateMachine;
using Consensus.StateMachine.Snapshots;

namespace Consensus.Node.Tests.Runtime;

/// <summary>The receiving end of a snapshot, over a store that fails as the real one does.</summary>
public sealed class SnapshotArrivalTests
{
    private static readonly StorageFailedException Full = new("cannot write /snap/x: the disk is full") { IsDiskFull = true };
    private static readonly StorageFailedException NoFile = new("cannot create /snap/x: Too many open files") { IsOutOfFiles = true };
    private static readonly StorageFailedException Broken = new("cannot write /snap/x: Input/output error");

    private readonly List<NodeInput> _posted = [];
    private readonly List<string> _said = [];
    private readonly List<string> _warned = [];
    private readonly List<(string What, Exception Failure)> _fatal = [];
    private FailingStore _store = null!;
    private SnapshotArrivals _arrivals = null!;
    private NodeStatus _status = null!;

    [SetUp]
    public void A_member()
    {
        _posted.Clear();
        _said.Clear();
        _warned.Clear();
        _fatal.Clear();
        _store = new FailingStore();
        _status = Status(new LogIndex(0), term: 3, leader: 1);
        _arrivals = new SnapshotArrivals(
            _store, Limits.Default, () => _status, _posted.Add, _said.Add, _warned.Add, (what, failure) => _fatal.Add((what, failure)));
    }

    [Test]
    public void A_full_disk_refuses_the_transfer_and_says_so_wherever_it_shows([Values] Step at)
    {
        _store.FailAt(at, Full);
        Assert.That(Transfer()?.Reason, Is.EqualTo(SnapshotRefusal.NoRoom));
        Assert.That(_warned, Has.One.EqualTo("this member does not take the leader's snapshot up to index 10: its disk has no room: cannot write /snap/x: the disk is full"));
        Assert.That(_fatal, Is.Empty);
        Assert.That(_posted, Is.Empty);
        Assert.That(_store.Disposed, Is.EqualTo(at == Step.Receive ? 0 : 1));
    }

    [Test]
    public void A_process_without_a_file_descriptor_refuses_for_now([Values(Step.Receive, Step.Complete)] Step at)
    {
        _store.FailAt(at, NoFile);
        Assert.That(Transfer()?.Reason, Is.EqualTo(SnapshotRefusal.NotNow));
        Assert.That(_fatal, Is.Empty);
    }

    [Test]
    public void Any_other_failure_of_the_disk_ends_the_process_with_its_sentence([Values] Step at)
    {
        _store.FailAt(at, Broken);
        Assert.That(Transfer(), Is.Not.Null);
        Assert.That(_fatal.Single().Failure, Is.SameAs(Broken));
        Assert.That(_posted, Is.Empty);
    }

    [Test]
    public void A_damaged_file_and_one_with_unknown_content_are_told_apart()
    {
        _store.FailAt(Step.Complete, new WireFormatException("the snapshot received is damaged"));
        Assert.That(Transfer()?.Reason, Is.EqualTo(SnapshotRefusal.Damaged));
        _store.FailAt(Step.Open, new WireFormatException("a section of an unknown kind"));
        Assert.That(Transfer()?.Reason, Is.EqualTo(SnapshotRefusal.UnknownContent));
        Assert.That(_fatal, Is.Empty);
        Assert.That(_warned, Has.Some.Contains("unknown kind"));
    }

    [Test]
    public void A_file_that_is_longer_than_what_is_taken_is_refused()
    {
        _store.FailAt(Step.Receive, new WireFormatException("a snapshot of many bytes is not taken"));
        Assert.That(Transfer()?.Reason, Is.EqualTo(SnapshotRefusal.TooLarge));
    }

    [Test]
    public void What_is_applied_already_is_not_needed()
    {
        _status = Status(new LogIndex(10), term: 3, leader: 1);
        Assert.That(Transfer()?.Reason, Is.EqualTo(SnapshotRefusal.NotNeeded));
        Assert.That(_store.Received, Is.Zero);
    }

    [Test]
    public void A_whole_file_is_told_to_the_loop_with_its_state()
    {
        Assert.That(Transfer(), Is.Null);
        var arrived = (SnapshotArrivedInput)_posted.Single();
        Assert.That(arrived.Request, Is.SameAs(Request));
        Assert.That(arrived.State.AppliedIndex, Is.EqualTo(LogIndex.Zero));
    }

    [Test]
    public void Who_may_send_a_snapshot_is_judged_before_a_byte_of_it_takes_room()
    {
        foreach (var (status, expected, what) in new (NodeStatus, SnapshotRefusal, string)[]
        {
            (Status(default, term: 3, leader: 1), SnapshotRefusal.None, "the leader that it follows"),
            (Status(default, term: 3, leader: 0), SnapshotRefusal.None, "a leader of its term that it has not heard of"),
            (Status(default, term: 2, leader: 3), SnapshotRefusal.None, "the leader of a newer term"),
            (Status(default, term: 4, leader: 0), SnapshotRefusal.StaleTerm, "the leader of an older term"),
            (Status(default, term: 3, leader: 3), SnapshotRefusal.NotLeader, "another one than the leader of its term"),
            (Status(default, term: 2, leader: 3, sender: 9), SnapshotRefusal.NotMember, "one whom it does not know"),
            (Status(default, term: 3, leader: 1, sender: 9), SnapshotRefusal.None, "one whom it does not know, and follows"),
            (Status(default, term: 2, leader: 3, sender: 9) with { Members = [] }, SnapshotRefusal.None, "anybody, when it knows nobody"),
        })
        {
            Assert.That(SnapshotAdmission.Judge(status, Request)?.Reason ?? SnapshotRefusal.None, Is.EqualTo(expected), what);
        }
        _status = Status(default, term: 4, leader: 0);
        Assert.That(Transfer()?.Reason, Is.EqualTo(SnapshotRefusal.StaleTerm));
        Assert.That(_store.Received, Is.Zero);
    }

    [Test]
    public void A_transfer_that_broke_off_goes_on_where_it_was_and_only_that_one()
    {
        Begin(Request, 10).Write([1, 2, 3]);
        _begun!.Dispose();
        Assert.That(_store.Disposed, Is.Zero, "what came is kept");
        Assert.That(Begin(Request, 10).TakenBytes, Is.EqualTo(3));
        Assert.That(_store.Received, Is.EqualTo(1), "it is the same file");
        _begun!.Dispose();

        foreach (var (another, length) in new[]
        {
            (Request with { Transfer = 8 }, 10L),
            (Request with { Term = new Term(4) }, 10L),
            (Request with { Mark = Request.Mark with { LastIndex = new LogIndex(11) } }, 10L),
            (Request, 11L),
        })
        {
            var received = _store.Received;
            Assert.That(Begin(another, length).TakenBytes, Is.Zero);
            Assert.That(_store.Received, Is.EqualTo(received + 1));
            Assert.That(_store.Disposed, Is.EqualTo(received), "what another transfer left makes room");
            _begun!.Write([1]);
            _begun!.Dispose();
        }
    }

    [Test]
    public void A_file_whose_parts_are_not_whole_together_is_received_anew_and_only_one_that_came_in_one_piece_is_damaged()
    {
        _store.FailAt(Step.Complete, new WireFormatException("the snapshot received is damaged"));
        Begin(Request, 3).Write([1]);
        _begun!.Dispose();
        Begin(Request, 3).Write([2, 3]);
        Assert.That(_begun!.Complete()?.Reason, Is.EqualTo(SnapshotRefusal.NotNow), "who sent it is not at fault for sure");
        _begun!.Dispose();
        Assert.That(_said[^1], Does.Contain("more than one connection").And.Contain("received anew"));
        Assert.That(Begin(Request, 3).TakenBytes, Is.Zero);
        _begun!.Write([1, 2, 3]);
        Assert.That(_begun!.Complete()?.Reason, Is.EqualTo(SnapshotRefusal.Damaged));
        _begun!.Dispose();
        Assert.That(_store.Disposed, Is.EqualTo(2));
    }

    [Test]
    public void What_is_left_of_a_transfer_goes_when_it_is_of_no_use_any_more()
    {
        Begin(Request, 10).Write([1, 2, 3]);
        _begun!.Dispose();
        _arrivals.DropThrough(new LogIndex(9));
        Assert.That(_store.Disposed, Is.Zero);
        _arrivals.DropThrough(new LogIndex(10));
        Assert.That(_store.Disposed, Is.EqualTo(1));
        Assert.That(Begin(Request, 10).TakenBytes, Is.Zero);
        _begun!.Complete();
        _begun!.Dispose();
        Assert.That(_store.Disposed, Is.EqualTo(2), "nor is anything kept of one that is done");
    }

    private ISnapshotArrival? _begun;

    private ISnapshotArrival Begin(InstallSnapshotRequest request, long lengthBytes)
    {
        _status = Status(default, request.Term.Value, leader: 1);
        _begun = _arrivals.Begin(request, lengthBytes, out var rejection);
        Assert.That(rejection, Is.Null);
        return _begun!;
    }

    /// <summary>Of member 2 of three, and what it says of a sender with this id.</summary>
    private static NodeStatus Status(LogIndex applied, long term, long leader, long sender = 1)
    {
        var status = new CoreCluster(3).Members[1].Core.Status;
        return status with
        {
            AppliedIndex = applied,
            Term = new Term(term),
            Leader = new MemberId(leader),
            Members = sender == 1 ? status.Members : [.. status.Members.Where(member => member.Id.Value != 1)],
        };
    }

    private static InstallSnapshotRequest Request { get; } = new(
        new MemberId(1), new MemberId(2), new Term(3), new SnapshotMark(new LogIndex(10), new Term(2), ClusterTime.Zero, Configuration.Empty), ClusterTime.Zero)
    { Transfer = 7 };

    private SnapshotRejection? Transfer()
    {
        using var arrival = _arrivals.Begin(Request, 3, out var rejection);
        return arrival is null ? rejection : arrival.Write([1, 2, 3]) ?? arrival.Complete();
    }

    public enum Step
    {
        Receive,
        Write,
        Complete,
        Open,
    }

    private sealed class FailingStore : ISnapshotStore
    {
        private readonly Dictionary<Step, Exception> _failures = [];

        public int Received { get; private set; }

        public int Disposed { get; set; }

        public void FailAt(Step step, Exception failure)
        {
            _failures.Clear();
            _failures.Add(step, failure);
        }

        public IIncomingSnapshot Receive(SnapshotMark mark, long lengthBytes)
        {
            Reach(Step.Receive);
            Received++;
            return new Incoming(this);
        }

        public ISnapshotReader Open(SnapshotMark mark)
        {
            Reach(Step.Open);
            return new EncodedState(new ReplicatedState(Limits.Default).TakeView()).Open(new SnapshotFile(mark, 3));
        }

        public SnapshotFile Save(SnapshotMark mark, Action<ISnapshotSink> write) => throw new NotSupportedException();

        public Stream OpenRaw(SnapshotMark mark) => throw new NotSupportedException();

        public void RemoveOlderThan(SnapshotMark mark) => throw new NotSupportedException();

        public void Reach(Step step)
        {
            if (_failures.TryGetValue(step, out var failure))
            {
                throw failure;
            }
        }
    }

    private sealed class Incoming(FailingStore store) : IIncomingSnapshot
    {
        public long TakenBytes { get; private set; }

        public void Write(ReadOnlySpan<byte> chunk)
        {
            store.Reach(Step.Write);
            TakenBytes += chunk.Length;
        }

        public SnapshotFile Complete()
        {
            store.Reach(Step.Complete);
            return new SnapshotFile(Request.Mark, 3);
        }

        public void Dispose() => store.Disposed++;
    }
}
