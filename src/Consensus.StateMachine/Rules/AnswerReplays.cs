using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Rules;

/// <summary>What a request is told that was answered before: of what it did as of then, of holds as of now.</summary>
internal sealed class AnswerReplays(StateTables state, Applying entry, HoldReplays holds)
{
    public Outcome Of(Effect effect) => effect switch
    {
        KeyPut e => new PutDone(e.ModRevision, e.Key, e.CreateRevision, e.ModRevision, e.Version, e.Lease),
        KeysDeleted e => new DeleteDone(e.Revision, e.Deleted),
        LeaseMade e => new LeaseGranted(e.Revision, e.Lease, e.TtlMicros),
        LeaseEnded e => new LeaseRevoked(e.Revision, e.Lease, e.Keys, e.Holds),
        HoldGiven e => holds.Of(e),
        HoldGivenUp e => new HoldReleased(e.Revision),
        HoldsGiven e => holds.Of(e),
        HoldHandedOver e => holds.Of(e),
        ValueProclaimed e => holds.OfProclaimed(ObjectName.Election(e.Election), e.Token, e.Revision),
        TxnWritten e => new TxnDone(e.Revision, e.Succeeded, TxnResultCodec.Read(e.Results)),
        PermitsGiven e => new PermitsChanged(e.Revision, e.Permits, e.Before, e.Out),
        FenceMoved e => new FencePassed(e.Revision, e.Token),
        FenceRemoved e => new FenceReset(e.Revision, Existed: true),
        PolicyMoved e => new PolicyChanged(e.Revision, e.Policy, e.Before),
        SettingChanged e => new SettingPut(e.Revision, e.Setting, e.Value),
        DoneUntold => new RetryTooLate(state.Revision),
        TakenBack => new RequestWithdrawn(state.Revision),
        _ => Invariant.Unreachable<Outcome>(effect),
    };

    /// <inheritdoc cref="HoldReplays.OfNumber"/>
    public Outcome OfNumber(IReadOnlyList<HoldKey> found) => holds.OfNumber(found);

    /// <summary>When it is worth asking again is told as it is now; under this key not before its answer is forgotten.</summary>
    public Outcome Of(BriefAnswer answer) => answer.Outcome switch
    {
        RequestWithdrawn => new RequestWithdrawn(state.Revision),
        HoldRenewed proclaimed => holds.OfProclaimed(proclaimed.Hold.Object, proclaimed.Hold.Token, proclaimed.Revision),
        BoundReached { Bound: BoundKind.IdempotencyKeys } full => full with
        {
            RetryAfterMicros = Math.Max(state.Answers.UntilOldestMayGo(entry.Stamp), state.Limits.BriefKeepMicros + 1 - (entry.Stamp - answer.Stored)),
        },
        BoundReached { Bound: BoundKind.IdempotencyBytesOfPrincipal } full => full with
        {
            RetryAfterMicros = Math.Max(
                state.Answers.UntilOldestMayGo(entry.Principal, entry.Stamp), state.Limits.BriefKeepMicros + 1 - (entry.Stamp - answer.Stored)),
        },
        HoldRefused { DelayedUntil: { } until } held => held with { DelayLeftMicros = Math.Max(0, until - entry.Stamp) },
        var other => other,
    };
}
