using System.Text;
using Consensus.Api;
using Consensus.Client.Testing.Store;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Client.Testing.Api;

/// <summary>What every wish for a hold says, whatever it is a hold of.</summary>
internal sealed record Terms(string Owner, TimeSpan? Ttl, string? Lease, TimeSpan Wait, TimeSpan? LockDelay, TimeSpan? MaxHold, string? Metadata)
{
    public long TtlMicros => Ttl is { } ttl ? Checks.Micros(ttl) : 0;

    public long LockDelayMicros => LockDelay is { } delay ? Checks.Micros(delay) : 0;

    public long MaxHoldMicros => MaxHold is { } most ? Checks.Micros(most) : 0;

    public ReadOnlyMemory<byte> MetadataBytes => Metadata is null ? default : Encoding.UTF8.GetBytes(Metadata);

    public ApiProblem? Refuse(out LeaseId lease) =>
        Checks.Lease(Ttl, Lease, out lease)
        ?? Checks.Owner(Owner)
        ?? (Checks.Micros(Wait) > ApiLimits.MaxWaitMicros ? Refusals.BadRequest("the field \"wait\" is above 10m, the longest wait") : null)
        ?? Checks.Terms(LockDelay, MaxHold, Metadata);

    public AcquireCommand ToCommand(ObjectName name, LeaseId lease) => new(
        name.Name, Owner, TtlMicros, lease.IsNone ? InMemoryStore.NewLeaseId() : LeaseId.None, lease, Checks.Micros(Wait))
    {
        Space = name.Space,
        LockDelayMicros = LockDelayMicros,
        MaxHoldMicros = MaxHoldMicros,
        Metadata = MetadataBytes,
    };
}
