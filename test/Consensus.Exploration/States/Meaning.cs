using System.Reflection;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Quorum;
using Consensus.Raft.Reads;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Tracker;

namespace Consensus.Exploration.States;

/// <summary>
/// What of a member's state only grows and means nothing: how long it has run, and how many writes there were. Ticks are told from the present one on, and no further back than
/// anybody looks. A number of the core that is not said here to be a tick or a mere number ends the search: taken for the wrong one of the two it would hide states.
/// </summary>
internal sealed class Meaning
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private static readonly FieldInfo Now = FieldOf(typeof(RaftNode), "_now");

    private readonly Dictionary<FieldInfo, Func<object?, object, long, object?>> _read = [];
    private readonly HashSet<FieldInfo> _numbers = [];
    private readonly Dictionary<Type, int> _types = [];

    public Meaning(RaftOptions options)
    {
        var timeout = options.ElectionTimeoutTicks;
        Tick(typeof(RaftNode), "_electionDeadline", 0);
        Tick(typeof(RaftNode), "_leaderHeardAt", timeout);
        Tick(typeof(RaftNode), "_heartbeatDue", 0);
        Tick(typeof(RaftNode), "_transferDeadline", 0);
        Tick(typeof(RaftNode), "_leaderGoneDue", 0);
        Tick(typeof(RaftNode), "_preVoteStartedAt", options.LeaderGoneDelayTicks + 1);
        Tick(typeof(RaftNode), "_committedAt", 1);
        Tick(typeof(RaftNode), "_ledSince", timeout);
        Number(typeof(RaftNode), "_uncommittedBytes");
        Number(typeof(RaftNode), "_lastTransfer");
        Number(typeof(RaftNode), "_ownersMicros");
        Number(typeof(RaftNode), "_pausedUntilMicros");
        Number(typeof(RaftLog), "_baseSum");
        Number(typeof(RaftLog), "_sums");
        Tick(typeof(Progress), Property("HeardAt"), timeout);
        Tick(typeof(Progress), Property("PausedUntil"), 0);
        Tick(typeof(Progress), Property("ForgottenAt"), 0);
        Tick(typeof(Progress), Property("AdvancedAt"), options.HeartbeatIntervalTicks);
        Tick(typeof(Progress), Property("MovedAt"), timeout);
        Tick(typeof(Progress), Property("NoSnapshotBefore"), 0);
        Tick(typeof(Progress), Property("SentAt"), 1);
        Tick(typeof(Progress), Property("SnapshotDeadline"), 0);
        Number(typeof(Progress), Property("AnsweredRound"));
        Number(typeof(Progress), Property("Transfer"));
        Tick(typeof(PersistQueue), Property("ProgressAt"), timeout);
        Number(typeof(ReadRounds), Property("Latest"));
        Number(typeof(ReadRounds).GetNestedType("Round", Any)!, Property("Number"));
        Number(typeof(Inflights), "_bytes");

        LeaveOut(typeof(RaftNode), "_now");
        LeaveOut(typeof(RaftNode), "_random");
        LeaveOut(typeof(RaftLog), "_lastSlice");
        LeaveOut(typeof(RaftLog), "_lastSliceFirst");

        // When others were heard, for people; and how many megabytes may be on their way, where entries are of a few bytes.
        LeaveOut(typeof(Progress), Property("Contact"));
        LeaveOut(typeof(RaftNode), "_leaderHeardMicros");
        LeaveOut(typeof(RaftNode), "_leaderRoundTripMicros");
        LeaveOut(typeof(Inflights), Property("LimitBytes"));
        LeaveOut(typeof(Inflights), "_adaptedAt");

        // A write is told by its place among those under way.
        LeaveOut(typeof(PersistQueue), Property("LastSequence"));
        LeaveOut(typeof(PersistQueue).GetNestedType("Write", Any)!, Property("Sequence"));
        LeaveOut(typeof(Ready), Property("Sequence"));
        LeaveOut(typeof(Disk), Property("LastSubmitted"));
        LeaveOut(typeof(Host), "_durable");
        Read(typeof(Host), "_held", static (value, owner, _) => ((IEnumerable<(long Sequence, IReadOnlyList<Message> Messages)>)value!)
            .Select(held => (((Host)owner).Disk.LastSubmitted - held.Sequence, held.Messages)).ToArray());

        // What is in no order that matters, or beside what was forgotten.
        Read(typeof(VoteTally), "_answers", static (value, _, _) => ((IEnumerable<(MemberId Member, bool Granted)>)value!).OrderBy(answer => answer.Member).ToArray());
        Read(typeof(Inflights), "_ring", static (value, owner, _) => InOrder(((LogIndex, long, long)[])value!, (Inflights)owner).Select(sent => (sent.Last, sent.Bytes)).ToArray());
        LeaveOut(typeof(Inflights), "_start");
        var lost = 2L * timeout;
        Read(typeof(ForwardedReads), "_asked", (value, _, now) => ((IEnumerable<(long Context, long AskedAt)>)value!)
            .Select(asked => (asked.Context, Math.Max(asked.AskedAt - now, -lost))).ToArray());
    }

    /// <summary>What a field says, as far as anything later depends on it.</summary>
    /// <param name="now">The present tick of the core that the field is part of.</param>
    public object? Of(FieldInfo field, object owner, long now)
    {
        var value = field.GetValue(owner);
        if (_read.TryGetValue(field, out var read))
        {
            return read(value, owner, now);
        }
        var isKnown = !HoldsNumbers(field.FieldType) || Kinds.IsImmutable(field.DeclaringType!) || !IsOfTheCore(field) || _numbers.Contains(field);
        Invariant.Require(isKnown, $"{field.DeclaringType!.Name}.{field.Name} is known to be a tick or a number");
        return value;
    }

    /// <summary>The present tick of a core: all ticks within it are told from there.</summary>
    public static long? NowOf(object value) => value is RaftNode ? (long)Now.GetValue(value)! : null;

    /// <summary>Tells types apart.</summary>
    public int NumberOf(Type type)
    {
        if (!_types.TryGetValue(type, out var number))
        {
            _types.Add(type, number = _types.Count + 1);
        }
        return number;
    }

    private static bool IsOfTheCore(FieldInfo field) => field.DeclaringType!.Assembly == typeof(RaftNode).Assembly;

    private static IEnumerable<(LogIndex Last, long Bytes, long SentAt)> InOrder((LogIndex Last, long Bytes, long SentAt)[] ring, Inflights inflights)
    {
        var start = (int)FieldOf(typeof(Inflights), "_start").GetValue(inflights)!;
        return Enumerable.Range(0, inflights.Count).Select(i => ring[(start + i) % ring.Length]);
    }

    /// <summary>A number, or some in a tuple or a collection.</summary>
    private static bool HoldsNumbers(Type type) =>
        type == typeof(long) || (type.IsGenericType && type.GetGenericArguments().Any(HoldsNumbers)) || (type.IsArray && HoldsNumbers(type.GetElementType()!));

    private void Tick(Type type, string field, long back) =>
        Read(type, field, (value, _, now) => (long)value! is var tick && tick == long.MaxValue ? tick : Math.Max(tick, now - back) - now);

    private void Number(Type type, string field) => _numbers.Add(FieldOf(type, field));

    private void LeaveOut(Type type, string field) => Read(type, field, static (_, _, _) => null);

    private void Read(Type type, string field, Func<object?, object, long, object?> read) => _read.Add(FieldOf(type, field), read);

    private static string Property(string name) => $"<{name}>k__BackingField";

    private static FieldInfo FieldOf(Type type, string name)
    {
        // What a primary constructor keeps has a name that its compiler made.
        var field = type.GetField(name, Any) ?? type.GetField($"<{name}>P", Any);
        Invariant.Require(field is not null, $"{type.Name} has the field {name}");
        return field;
    }
}
