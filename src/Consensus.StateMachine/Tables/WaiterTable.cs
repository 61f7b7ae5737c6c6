using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// A waiting place. <see cref="Sequence"/> orders all requests that wait by arrival. One for several locks at once has a place in the line
/// of each, all with its one sequence number, and alike but for their object, <see cref="Ordinal"/> and <see cref="Begun"/>.
/// </summary>
/// <param name="Actor">Whose it is, and by what its present attempt was known.</param>
/// <param name="DetachedUntil">Set while its connection's member is lost: it keeps its place, ungranted, until then (rule 18).</param>
internal sealed record WaiterRecord(
    long Sequence,
    ObjectName Object,
    string Owner,
    RequestId Request,
    Identity Identity,
    ReadOnlyMemory<byte> Fingerprint,
    long TtlMicros,
    LeaseId OwnLease,
    LeaseId SharedLease,
    ClusterTime Asked,
    ClusterTime WaitDeadline,
    ClusterTime? DetachedUntil,
    HoldTerms Terms,
    Actor Actor)
{
    public OwnerName OwnerName => new(Actor.Name, Owner);

    /// <summary>The version of the session with which it began, when the shared lease is one; else 0.</summary>
    public long Begun { get; init; }

    /// <summary>How many locks its request asks for at once; 0 for one that asks for a single object.</summary>
    public long LockCount { get; init; }

    /// <summary>Which of them this is a place for, in the order asked, from 0 on: the place with 0 stands for the request.</summary>
    public long Ordinal { get; init; }

    /// <summary>
    /// The number of arrival of its present attempt, which no other place or attempt has: <see cref="Sequence"/> until another takes it
    /// over.
    /// </summary>
    public long Attempt { get; init; } = Sequence;

    public bool IsDetached => DetachedUntil is not null;

    /// <summary>Under a session: nobody waits for its answer now. It is granted in turn all the same.</summary>
    public bool IsUnattended { get; init; }

    /// <summary>Somebody waits for the answer to its present attempt, as far as is known.</summary>
    public bool IsAttended => DetachedUntil is null && !IsUnattended;

    public ClusterTime Deadline => DetachedUntil is { } until && until < WaitDeadline ? until : WaitDeadline;

    public WaiterKey Key => new(Object, Sequence);

    public Claim Claim => Identity.IsSession
        ? new Claim(OwnerName, Request, TtlMicros, OwnLease, SharedLease, Terms)
        {
            Number = Identity.Number.Number,
            Fingerprint = Fingerprint,
            LockCount = LockCount,
            IsNumbered = true,
            IsUntaken = IsUnattended,
        }
        : new Claim(OwnerName, Request, TtlMicros, OwnLease, SharedLease, Terms);
}

/// <summary>The waiters of one object stand together, in order of arrival.</summary>
internal readonly record struct WaiterKey(ObjectName Object, long Sequence) : IComparable<WaiterKey>
{
    public int CompareTo(WaiterKey other)
    {
        var byObject = Object.CompareTo(other.Object);
        return byObject != 0 ? byObject : Sequence.CompareTo(other.Sequence);
    }
}

/// <summary>The places of one request stand together.</summary>
internal readonly record struct RequestPlace(long Sequence, long Ordinal) : IComparable<RequestPlace>
{
    public int CompareTo(RequestPlace other)
    {
        var bySequence = Sequence.CompareTo(other.Sequence);
        return bySequence != 0 ? bySequence : Ordinal.CompareTo(other.Ordinal);
    }
}

/// <summary>
/// The waiting places, first come first served, and everything by which one is found: a request by its place of ordinal 0. Its object and
/// its shared lease count each place too: that is the rules' work, which change both with it.
/// </summary>
internal sealed class WaiterTable(Actors actors, Shares shares)
{
    private const int OverheadBytes = 650;
    private const int IdentityOverheadBytes = 120;

    private readonly CowTree<WaiterKey, WaiterRecord> _primary = new(NewMeasure());

    /// <summary>Those who may be granted something: without the detached ones, of which a line may be full.</summary>
    private readonly CowTree<WaiterKey, WaiterRecord> _attached = new();
    private readonly CowTree<OwnerPlace, WaiterRecord> _attachedByOwner = new();
    private readonly CowTree<LeasePlace, bool> _bySharedLease = new();

    /// <summary>The objects of requests for several, in the order asked.</summary>
    private readonly CowTree<RequestPlace, ObjectName> _several = new();

    private readonly CowTree<Due, ObjectName> _byDeadline = new();
    private readonly CowTree<Identity, WaiterKey> _byIdentity = new();

    /// <summary>Requests for whose answer somebody waits, by the process that is to give it.</summary>
    private readonly CowTree<ProcessPlace, WaiterKey> _byProcess = new();
    private readonly Dictionary<RequestId, WaiterKey> _byRequest = [];

    public int Count => _primary.Count;

    public TreeSum Sum => _primary.Sum;

    /// <summary>The number of the next to come: a place, or another attempt at one.</summary>
    public long NextSequence { get; set; } = 1;

    /// <summary>The first end of a wait; <see cref="ClusterTime.Never"/> when nobody waits.</summary>
    public ClusterTime NextDeadline => _byDeadline.TryFirst(out var due, out _) ? due.Deadline : ClusterTime.Never;

    public bool TryGet(WaiterKey place, out WaiterRecord waiter) => _primary.TryGet(place, out waiter);

    /// <summary>The first place that is not before this one, of whatever line.</summary>
    public bool TryNext(WaiterKey from, out WaiterRecord waiter) => _primary.TryFirstFrom(from, out _, out waiter);

    /// <summary>All places of the request that has this one, in the order asked.</summary>
    public IReadOnlyList<WaiterRecord> PlacesOf(WaiterRecord waiter) => Peek().PlacesOf(waiter);

    /// <summary>As of now; not to be walked over a write.</summary>
    public IEnumerable<WaiterRecord> All() => _primary.Peek().All().Select(static item => item.Value);

    /// <summary>See <see cref="WaitersView.PositionOf"/>.</summary>
    public long PositionOf(WaiterRecord waiter) => Peek().PositionOf(waiter);

    /// <summary>The place that an earlier attempt of the same request has.</summary>
    public bool TryFind(Identity identity, out WaiterKey place) => _byIdentity.TryGet(identity, out place);

    public bool TryFind(RequestId request, out WaiterKey place) => _byRequest.TryGetValue(request, out place);

    /// <summary>The first in line from a sequence number on, detached ones left out.</summary>
    public bool TryNext(ObjectName name, long from, out WaiterRecord waiter) =>
        _attached.TryFirstFrom(new WaiterKey(name, from), out var key, out waiter) && key.Object == name;

    /// <summary>As above, of one owner.</summary>
    public bool TryNextOf(OwnerName owner, ObjectName name, long from, out WaiterRecord waiter) =>
        _attachedByOwner.TryFirstFrom(new OwnerPlace(name, owner, from), out var key, out waiter) && key.Object == name && key.Owner == owner;

    /// <summary>The place of the request whose wait ends first, if it ends by now.</summary>
    public bool TryDue(ClusterTime now, out WaiterKey place)
    {
        var isDue = _byDeadline.TryFirst(out var due, out var name) && due.Deadline <= now;
        place = new WaiterKey(name, due.Id);
        return isDue;
    }

    /// <summary>Every place under the lease.</summary>
    public List<WaiterKey> Of(LeaseId lease)
    {
        var places = new List<WaiterKey>();
        foreach (var (key, _) in _bySharedLease.Peek().From(new LeasePlace(lease, default)))
        {
            if (key.Lease != lease)
            {
                break;
            }
            places.Add(key.Place);
        }
        return places;
    }

    /// <summary>The processes of the member through which somebody waits.</summary>
    public IEnumerable<ProcessId> ProcessesOf(MemberId member)
    {
        var from = new ProcessPlace(new ProcessId(member, long.MinValue), 0);
        while (_byProcess.TryFirstFrom(from, out var key, out _) && key.Process.Member == member)
        {
            yield return key.Process;
            from = new ProcessPlace(key.Process, long.MaxValue);
        }
    }

    /// <summary>The first to come of those who wait through the process, if its attempt came before this number.</summary>
    public bool TryFirstThrough(ProcessId process, long before, out WaiterKey place) =>
        _byProcess.TryFirstFrom(new ProcessPlace(process, 0), out var key, out place) && key.Process == process && key.Attempt < before;

    public void Add(WaiterRecord waiter)
    {
        _primary.Set(waiter.Key, waiter);
        Index(waiter);
    }

    /// <param name="waiter">As it is stored.</param>
    public void Remove(WaiterRecord waiter)
    {
        _primary.Remove(waiter.Key);
        Unindex(waiter);
    }

    /// <summary>The same place with another attempt, or detached: its terms stay.</summary>
    public void Replace(WaiterRecord before, WaiterRecord after)
    {
        Unindex(before);
        _primary.Set(after.Key, after);
        Index(after);
    }

    public WaitersView Freeze() => new(_primary.Freeze(), _byIdentity.Freeze(), _several.Freeze());

    private WaitersView Peek() => new(_primary.Peek(), _byIdentity.Peek(), _several.Peek());

    private void Index(WaiterRecord waiter)
    {
        var key = waiter.Key;
        shares.Add(waiter.Actor.Name, holds: 1);
        if (!waiter.IsDetached)
        {
            _attached.Set(key, waiter);
            _attachedByOwner.Set(new OwnerPlace(waiter.Object, waiter.OwnerName, waiter.Sequence), waiter);
        }
        if (!waiter.SharedLease.IsNone)
        {
            _bySharedLease.Set(new LeasePlace(waiter.SharedLease, key), true);
        }
        if (waiter.LockCount > 1)
        {
            _several.Set(new RequestPlace(waiter.Sequence, waiter.Ordinal), waiter.Object);
        }
        if (waiter.Ordinal > 0)
        {
            return;
        }
        _byDeadline.Set(new Due(waiter.Deadline, waiter.Sequence), waiter.Object);
        if (waiter.IsAttended)
        {
            _byProcess.Set(ProcessPlace.Of(waiter), key);
        }
        _byRequest[waiter.Request] = key;
        if (!waiter.Identity.IsNone)
        {
            _byIdentity.Set(waiter.Identity, key);
        }
    }

    private void Unindex(WaiterRecord waiter)
    {
        shares.Add(waiter.Actor.Name, holds: -1);
        if (!waiter.IsDetached)
        {
            _attached.Remove(waiter.Key);
            _attachedByOwner.Remove(new OwnerPlace(waiter.Object, waiter.OwnerName, waiter.Sequence));
        }
        if (!waiter.SharedLease.IsNone)
        {
            _bySharedLease.Remove(new LeasePlace(waiter.SharedLease, waiter.Key));
        }
        if (waiter.LockCount > 1)
        {
            _several.Remove(new RequestPlace(waiter.Sequence, waiter.Ordinal));
        }
        if (waiter.Ordinal > 0)
        {
            return;
        }
        _byDeadline.Remove(new Due(waiter.Deadline, waiter.Sequence));
        if (waiter.IsAttended)
        {
            _byProcess.Remove(ProcessPlace.Of(waiter));
        }
        _byRequest.Remove(waiter.Request);
        if (!waiter.Identity.IsNone)
        {
            _byIdentity.Remove(waiter.Identity);
        }
    }

    /// <summary>Throws unless every index has exactly what the places say, and the bytes are theirs.</summary>
    public void Verify()
    {
        var all = All().ToList();
        var attached = all.FindAll(static w => !w.IsDetached);
        var requests = all.FindAll(static w => w.Ordinal == 0);
        Indexes.Require(_primary, all.Select(static w => (w.Key, w)), "the table of waiters");
        Indexes.Require(_attached, attached.Select(static w => (w.Key, w)), "the index of attached waiters");
        Indexes.Require(
            _attachedByOwner, attached.Select(static w => (new OwnerPlace(w.Object, w.OwnerName, w.Sequence), w)),
            "the index of waiters by owner");
        Indexes.Require(
            _byDeadline, requests.Select(static w => (new Due(w.Deadline, w.Sequence), w.Object)), "the index of waiters by deadline");
        Indexes.Require(
            _bySharedLease, all.Where(static w => !w.SharedLease.IsNone).Select(static w => (new LeasePlace(w.SharedLease, w.Key), true)), "the index of waiters by lease");
        Indexes.Require(
            _byIdentity, requests.Where(static w => !w.Identity.IsNone).Select(static w => (w.Identity, w.Key)),
            "the index of waiters by identity");
        Indexes.Require(
            _byProcess, requests.Where(static w => w.IsAttended).Select(static w => (ProcessPlace.Of(w), w.Key)),
            "the index of waiters by process");
        Indexes.Require(_byRequest, requests.Select(static w => (w.Request, w.Key)), "the index of waiters by request");
        var several = all.Where(static w => w.LockCount > 1).Select(static w => (new RequestPlace(w.Sequence, w.Ordinal), w.Object));
        Indexes.Require(_several, several, "the index of waiters for several locks");
        VerifyRequests(all);
        Indexes.RequireSums(_primary, NewMeasure(), "the waiters");
        var areDrawn = all.TrueForAll(w => w.Sequence <= w.Attempt && w.Attempt < NextSequence);
        Invariant.Require(areDrawn, "a waiter to come has a number of its own");
    }

    /// <summary>Throws unless each request has a place for everything that it asks for, and these differ in nothing else.</summary>
    private static void VerifyRequests(List<WaiterRecord> all)
    {
        foreach (var places in all.GroupBy(static w => w.Sequence))
        {
            var ordered = places.OrderBy(static w => w.Ordinal).ToList();
            var first = ordered[0];
            Invariant.Require(ordered.Count == Math.Max(1, first.LockCount), $"the request {first.Sequence} has all its places");
            Invariant.Require(ordered.Select(static (w, i) => w.Ordinal == i).All(static isThat => isThat), "and each of them once");
            Invariant.Require(
                ordered.TrueForAll(w => AllButPlace(w, first) == first), $"the places of the request {first.Sequence} differ in their objects alone");
        }
    }

    private static WaiterRecord AllButPlace(WaiterRecord waiter, WaiterRecord first) =>
        waiter with { Object = first.Object, Ordinal = 0, Begun = first.Begun, Fingerprint = first.Fingerprint, Terms = first.Terms };

    private static WrittenForm<WaiterKey, WaiterRecord> NewMeasure() => new(
        static (writer, _, waiter) => Write(writer, waiter),
        static (_, waiter) => SizeOf(waiter.Object, waiter.Owner, waiter.Actor, waiter.Terms, waiter.Identity, waiter.Fingerprint.Length));

    /// <summary>What a place takes in memory, about, with all that it is found by.</summary>
    public static long SizeOf(ObjectName name, string owner, Actor actor, HoldTerms terms, Identity identity, int fingerprint) =>
        OverheadBytes + name.Name.Length + (2L * (owner.Length + actor.Name.Length + actor.Credential.Length)) + terms.Bytes
        + (identity.IsNone ? 0 : IdentityOverheadBytes + identity.Bytes + fingerprint);

    /// <summary>The message <c>Waiter</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a waiter");
        public static readonly int Sequence = Shape.Number(1);
        public static readonly int Name = Shape.Bytes(2);
        public static readonly int Owner = Shape.Text(3);
        public static readonly int Request = Shape.Message(4);
        public static readonly int Principal = Shape.Text(5);
        public static readonly int IdempotencyKey = Shape.Bytes(6);
        public static readonly int Fingerprint = Shape.Bytes(7);
        public static readonly int TtlMicros = Shape.Number(8);
        public static readonly int OwnLease = Shape.Id(9);
        public static readonly int SharedLease = Shape.Id(10);
        public static readonly int Asked = Shape.Number(11);
        public static readonly int WaitDeadline = Shape.Number(12);
        public static readonly int DetachedUntil = Shape.Number(13);
        public static readonly int Space = Shape.Number(14);
        public static readonly int Mode = Shape.Number(15);
        public static readonly int Count = Shape.Number(16);
        public static readonly int LockDelayMicros = Shape.Number(17);
        public static readonly int MaxHoldMicros = Shape.Number(18);
        public static readonly int Metadata = Shape.Bytes(19);
        public static readonly int Value = Shape.Bytes(20);
        public static readonly int Number = Shape.Number(21);
        public static readonly int Begun = Shape.Number(22);
        public static readonly int LockCount = Shape.Number(23);
        public static readonly int Ordinal = Shape.Number(24);
        public static readonly int Unattended = Shape.Number(25);
        public static readonly int AttemptAfter = Shape.Number(26);
        public static readonly int Credential = Shape.Text(27);
    }

    public static void Write(WireWriter writer, WaiterRecord waiter)
    {
        writer.Int64(Saved.Sequence, waiter.Sequence);
        writer.Bytes(Saved.Name, waiter.Object.Name.Bytes);
        writer.String(Saved.Owner, waiter.Owner);
        RequestIdCodec.Write(writer, Saved.Request, waiter.Request);
        writer.String(Saved.Principal, waiter.Actor.Name);
        writer.Bytes(Saved.IdempotencyKey, waiter.Identity.IdempotencyKey.Bytes);
        writer.Bytes(Saved.Fingerprint, waiter.Fingerprint.Span);
        writer.Int64(Saved.TtlMicros, waiter.TtlMicros);
        writer.Fixed64(Saved.OwnLease, (ulong)waiter.OwnLease.Value);
        writer.Fixed64(Saved.SharedLease, (ulong)waiter.SharedLease.Value);
        writer.Int64(Saved.Asked, waiter.Asked.Micros);
        writer.Int64(Saved.WaitDeadline, waiter.WaitDeadline.Micros);
        if (waiter.DetachedUntil is { } until)
        {
            writer.Int64Always(Saved.DetachedUntil, until.Micros);
        }
        writer.Int64(Saved.Space, (int)waiter.Object.Space);
        writer.Int64(Saved.Mode, (int)waiter.Terms.Mode);
        writer.Int64(Saved.Count, waiter.Terms.Count);
        writer.Int64(Saved.LockDelayMicros, waiter.Terms.LockDelayMicros);
        writer.Int64(Saved.MaxHoldMicros, waiter.Terms.MaxHoldMicros);
        writer.Bytes(Saved.Metadata, waiter.Terms.Metadata.Span);
        writer.Bytes(Saved.Value, waiter.Terms.Value.Span);
        writer.Int64(Saved.Number, waiter.Identity.Number.Number);
        writer.Int64(Saved.Begun, waiter.Begun);
        writer.Int64(Saved.LockCount, waiter.LockCount);
        writer.Int64(Saved.Ordinal, waiter.Ordinal);
        writer.Bool(Saved.Unattended, waiter.IsUnattended);
        writer.Int64(Saved.AttemptAfter, waiter.Attempt - waiter.Sequence);
        writer.String(Saved.Credential, waiter.Actor.Credential);
    }

    /// <summary>Adds a waiter as it was written, and gives it. Throws <see cref="WireFormatException"/> when it is damaged, or is there already.</summary>
    public WaiterRecord Load(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        var identityKey = fields.Key(Saved.IdempotencyKey);
        var actor = actors.Of(new Actor(fields.Text(Saved.Principal), fields.Text(Saved.Credential)).Principal);
        var number = new SessionNumber(fields.Lease(Saved.SharedLease), fields.Number(Saved.Number));
        if (number.Number != 0 && (number.Session.IsNone || !identityKey.IsEmpty))
        {
            throw new WireFormatException("a waiting place with a session's number, and without the session or under another identity as well");
        }
        var waiter = new WaiterRecord(
            fields.Number(Saved.Sequence),
            new ObjectName(fields.Space(Saved.Space), fields.Key(Saved.Name)),
            fields.Text(Saved.Owner),
            fields.Request(Saved.Request),
            number.Number != 0 ? Identity.Of(number) : identityKey.IsEmpty ? default : new Identity(actor.Name, identityKey),
            fields.Bytes(Saved.Fingerprint).ToArray(),
            fields.Number(Saved.TtlMicros),
            fields.Lease(Saved.OwnLease),
            fields.Lease(Saved.SharedLease),
            fields.Time(Saved.Asked),
            fields.Time(Saved.WaitDeadline),
            fields.Has(Saved.DetachedUntil) ? fields.Time(Saved.DetachedUntil) : null,
            HoldTerms.Of(
                fields.Mode(Saved.Mode),
                Math.Max(1, fields.Number(Saved.Count)),
                fields.Number(Saved.LockDelayMicros),
                fields.Number(Saved.MaxHoldMicros),
                fields.Bytes(Saved.Metadata).ToArray(),
                fields.Bytes(Saved.Value).ToArray()),
            actor)
        {
            Begun = fields.Number(Saved.Begun),
            LockCount = fields.Number(Saved.LockCount),
            Ordinal = fields.Number(Saved.Ordinal),
            IsUnattended = fields.Flag(Saved.Unattended),
            Attempt = fields.Number(Saved.Sequence) + fields.Number(Saved.AttemptAfter),
        };
        if (_primary.Contains(waiter.Key) || _several.Contains(new RequestPlace(waiter.Sequence, waiter.Ordinal)))
        {
            throw new WireFormatException("a waiting place twice");
        }
        if (waiter.LockCount > int.MaxValue || waiter.Ordinal >= Math.Max(1, waiter.LockCount))
        {
            throw new WireFormatException("a waiting place of more locks than its request asks for");
        }
        Add(waiter);
        return waiter;
    }

    /// <summary>The waiters of one owner for one object stand together, in order of arrival.</summary>
    private readonly record struct OwnerPlace(ObjectName Object, OwnerName Owner, long Sequence) : IComparable<OwnerPlace>
    {
        public int CompareTo(OwnerPlace other)
        {
            var byObject = Object.CompareTo(other.Object);
            if (byObject != 0)
            {
                return byObject;
            }
            var byOwner = Owner.CompareTo(other.Owner);
            return byOwner != 0 ? byOwner : Sequence.CompareTo(other.Sequence);
        }
    }

    /// <summary>A lease with one waiting place under it, of which it may have many for one object.</summary>
    private readonly record struct LeasePlace(LeaseId Lease, WaiterKey Place) : IComparable<LeasePlace>
    {
        public int CompareTo(LeasePlace other)
        {
            var byLease = Lease.CompareTo(other.Lease);
            return byLease != 0 ? byLease : Place.CompareTo(other.Place);
        }
    }

    /// <summary>The attempts through one process stand together, in order of arrival.</summary>
    private readonly record struct ProcessPlace(ProcessId Process, long Attempt) : IComparable<ProcessPlace>
    {
        public static ProcessPlace Of(WaiterRecord waiter) => new(ProcessId.Of(waiter), waiter.Attempt);

        public int CompareTo(ProcessPlace other)
        {
            var byProcess = Process.CompareTo(other.Process);
            return byProcess != 0 ? byProcess : Attempt.CompareTo(other.Attempt);
        }
    }
}
