using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine.History;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Comparison;

/// <summary>Each kind of record in words, for an operator: what it is, and what it says. Of what somebody stored (values, metadata) only how many bytes there are.</summary>
internal static class ItemTexts
{
    private const int MostNamed = 5;

    public static (string Name, string Content) Of(Key key, KeyRecord record) => (
        $"key \"{key}\"",
        Join(
            $"revision {record.ModRevision}",
            $"version {record.Version}",
            $"created at revision {record.CreateRevision}",
            $"{record.Value.Length} bytes",
            record.Lease.IsNone ? "" : $"lease {record.Lease}"));

    public static (string Name, string Content) Of(LeaseId id, LeaseRecord lease) => (
        $"lease {id}", Join($"ttl {Ms(lease.TtlMicros)}", $"until {Clock(lease.Deadline)}", lease.IsOwn ? "ends with its holds" : ""));

    public static (string Name, string Content) Of(ObjectName name, ObjectRecord record) => (
        Quoted(name),
        Join(
            record.Sole is { } sole ? "holder " + Of(sole) : record.Holders > 0 ? "shared holders" : "no holder",
            record.Permits > 0 ? $"{record.Permits} permits" : "",
            record.Released.IsEmpty ? "" : $"released token {record.Released[^1]} (of {record.Released.Length} remembered)",
            record.LastLoss is { } loss ? $"lost token {loss.Token} of \"{loss.Owner}\" ({loss.Reason}) at revision {loss.AtRevision} (of {record.Losses.Length} remembered)" : "",
            string.Join(", ", record.Delays.Select(static delay => $"kept for \"{delay.Owner}\" until {Clock(delay.Until)}")),
            record.IsUnsettled ? "promotions left over" : "",
            record.FactSequence > 0 ? $"remembered as number {record.FactSequence}" : ""));

    public static (string Name, string Content) Of(HoldKey key, HoldRecord hold) => ($"hold of the {Quoted(key.Object)} with token {key.Token}", Of(hold));

    public static (string Name, string Content) Of(ReleasedRun run, ImmutableArray<FencingToken> tokens) => (
        $"released tokens of the {Quoted(run.Object)} up to {run.Last}", tokens.Length == 1 ? "that one" : $"{tokens.Length} from {tokens[0]} on");

    public static (string Name, string Content) Of(long number, Outage outage) => (
        $"time without a leader {number + 1}", $"{Ms(outage.Micros)}, over at {Clock(outage.At)}");

    public static (string Name, string Content) Of(WaiterKey key, WaiterRecord waiter) => (
        $"place {key.Sequence} in the line of the {Quoted(key.Object)}",
        Join(
            $"\"{waiter.Owner}\"",
            $"asked at {Clock(waiter.Asked)}",
            $"waits until {Clock(waiter.WaitDeadline)}",
            waiter.DetachedUntil is { } until ? $"detached until {Clock(until)}" : "",
            waiter.SharedLease.IsNone ? $"own lease {waiter.OwnLease}, ttl {Ms(waiter.TtlMicros)}" : $"lease {waiter.SharedLease}",
            $"attempt {waiter.Request.Member}/{waiter.Request.Boot:x}/{waiter.Request.Sequence}",
            waiter.Identity.IsNone ? "" : Quoted(waiter.Identity),
            waiter.LockCount == 0 ? "" : $"lock {waiter.Ordinal + 1} of {waiter.LockCount} at once",
            Of(waiter.Terms)));

    public static (string Name, string Content) Of(Identity identity, KeptOutcome kept) => (
        $"kept answer of {Quoted(identity)}", Join($"number {kept.Sequence}", Words(kept.Effect.GetType().Name), $"stored at {Clock(kept.Stored)}"));

    public static (string Name, string Content) Of(Identity identity, ForgottenOutcome forgotten) => (
        $"forgotten answer of {Quoted(identity)}", Join($"number {forgotten.Sequence}", Words(forgotten.Kind.ToString()), $"dropped at {Clock(forgotten.Dropped)}"));

    public static (string Name, string Content) Of(Identity identity, BriefAnswer answer) => (
        $"brief answer of {Quoted(identity)}",
        Join($"number {answer.Sequence}", Words(answer.Outcome.GetType().Name), $"revision {answer.Outcome.Revision}", $"stored at {Clock(answer.Stored)}"));

    public static (string Name, string Content) Of(LeaseId id, SessionRecord session) => (
        $"session {id}", Join($"acknowledged up to {session.Acked}", $"highest number {session.Highest}", $"version {session.Version}", $"ends forgotten up to {session.Forgotten}"));

    public static (string Name, string Content) Of(SessionNumber number, NumberAnswer answer) => (
        $"answer of the number {number.Number} of the session {number.Session}",
        answer.Done is { } done
            ? Words(done.Effect.GetType().Name)
            : Join(Words(answer.Nothing!.Outcome.GetType().Name), $"revision {answer.Nothing.Outcome.Revision}"));

    public static (string Name, string Content) Of(SessionVersion version, SessionEnded ended) => (
        $"end under the session {version.Session} at its version {version.Version}",
        Join(
            Quoted(ended.Part.Object),
            ended.Part.Token == FencingToken.None ? "a place" : $"token {ended.Part.Token}",
            ended.Part.Number == 0 ? "" : $"number {ended.Part.Number}",
            Words(ended.Reason.ToString())));

    public static (string Name, string Content) OfFence(Key resource, FencingToken highest) => ($"fence \"{resource}\"", $"highest token {highest}");

    public static (string Name, string Content) Of(MemberId id, MemberInfo member) => (
        $"member {id}",
        Join(
            $"\"{member.Name}\"",
            $"boot {member.Boot:x}",
            $"clients at {member.ClientUrl}",
            $"peers at {member.PeerAddress}",
            $"version {member.Version}",
            $"feature level {member.FeatureLevel}"));

    public static (string Name, string Content) Of(ProcessId process, long before) => (
        $"member {process.Member} with boot {process.Boot:x}", $"who waits through it is being detached, up to attempt {before - 1}");

    public static (string Name, string Content) OfSetting(long setting, long value) => (
        $"setting {SettingDefinition.Of((Setting)setting).Name}", value.ToString(CultureInfo.InvariantCulture));

    public static (string Name, string Content) OfCounter(Key name, long number) => (name.ToString(), number.ToString(CultureInfo.InvariantCulture));

    /// <param name="changes">From the revision on.</param>
    public static (string Name, string Content) Of(Revision revision, long count, IEnumerable<Recorded> changes)
    {
        var first = changes.Take((int)Math.Min(count, MostNamed)).ToList();
        var named = string.Join(", ", first.Select(static recorded => recorded.Change switch
        {
            KeyChange { After: null } change => $"key \"{change.Key}\" deleted",
            KeyChange change => $"key \"{change.Key}\" put",
            ElectionChange { Leader: { } leader } change => $"election \"{change.Name}\" led by \"{leader.Owner}\"",
            ElectionChange change => $"election \"{change.Name}\" without a leader",
            _ => Invariant.Unreachable<string>(recorded.Change),
        }));
        return ($"change at revision {revision}", Join(named, count > first.Count ? $"and {count - first.Count} more" : "", $"logged at {Clock(first[0].Stamp)}"));
    }

    private static string Of(HoldRecord hold) => Join(
        $"\"{hold.Owner}\" with token {hold.Token}",
        $"lease {hold.Lease}",
        hold.Until == ClusterTime.Never ? "" : $"at most until {Clock(hold.Until)}",
        Of(hold.Terms));

    private static string Of(HoldTerms terms) => Join(
        terms.Mode == LockMode.Shared ? "shared" : "",
        terms.Count > 1 ? $"{terms.Count} permits" : "",
        terms.LockDelayMicros > 0 ? $"lock delay {Ms(terms.LockDelayMicros)}" : "",
        terms.MaxHoldMicros > 0 ? $"held at most {Ms(terms.MaxHoldMicros)}" : "",
        terms.Metadata.IsEmpty ? "" : $"{terms.Metadata.Length} bytes of metadata",
        terms.Value.IsEmpty ? "" : $"a value of {terms.Value.Length} bytes");

    private static string Quoted(ObjectName name) => $"{name.Space.ToString().ToLowerInvariant()} \"{name.Name}\"";

    private static string Quoted(Identity identity) =>
        identity.IsSession ? $"number {identity.Number.Number} of the session {identity.Number.Session}"
        : identity.Principal.Length > 0 ? $"request \"{identity.IdempotencyKey}\" of \"{identity.Principal}\""
        : $"request \"{identity.IdempotencyKey}\"";

    private static string Ms(long micros) => string.Create(CultureInfo.InvariantCulture, $"{micros / 1000.0:0.###} ms");

    private static string Clock(ClusterTime time) => "cluster time " + Ms(time.Micros);

    private static string Join(params ReadOnlySpan<string> parts)
    {
        var joined = new StringBuilder();
        foreach (var part in parts)
        {
            if (part.Length > 0)
            {
                joined.Append(joined.Length > 0 ? ", " : "").Append(part);
            }
        }
        return joined.ToString();
    }

    /// <summary><c>KeyPut</c> as <c>key put</c>.</summary>
    private static string Words(string name)
    {
        var words = new StringBuilder();
        foreach (var letter in name)
        {
            words.Append(char.IsUpper(letter) && words.Length > 0 ? " " : "").Append(char.ToLowerInvariant(letter));
        }
        return words.ToString();
    }
}
