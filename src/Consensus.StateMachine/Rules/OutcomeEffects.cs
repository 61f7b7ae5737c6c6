using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Rules;

/// <summary>What of an outcome was an effect, and is kept as one.</summary>
internal static class OutcomeEffects
{
    /// <summary>Null for what changed nothing, and for a command that tells of its effect itself.</summary>
    /// <param name="before">The revision before the command.</param>
    public static Effect? Of(Command command, Outcome outcome, Revision before) => (command, outcome) switch
    {
        (PutCommand, PutDone o) => new KeyPut(o.Key, o.CreateRevision, o.ModRevision, o.Version, o.Lease),
        (_, DeleteDone { Deleted: > 0 } o) => new KeysDeleted(o.Revision, o.Deleted),
        (_, LeaseGranted o) => new LeaseMade(o.Revision, o.Id, o.TtlMicros),
        (_, LeaseRevoked o) => new LeaseEnded(o.Revision, o.Id, o.KeysDeleted, o.LocksFreed),
        (AcquireCommand, HoldGranted) or (_, ManyGranted) => OfGrant(outcome),
        (_, PermitsChanged o) when o.Permits != o.Before => new PermitsGiven(o.Revision, o.Permits, o.Before, o.Out),
        (_, HandedOver o) => new HoldHandedOver(o.Revision, HoldCodec.Write([o.Hold])),
        // Only what the renewal proclaimed is an effect: it raised the revision.
        (RenewHoldCommand { Value: not null, Space: HoldSpace.Election } c, HoldRenewed o) when o.Revision > before => new ValueProclaimed(c.Name, c.Token, o.Revision),
        (_, PolicyChanged o) when o.PolicyRevision != o.Before => new PolicyMoved(o.Revision, o.PolicyRevision, o.Before),
        (_, SettingPut o) => new SettingChanged(o.Revision, o.Setting, o.Value),
        (ReleaseHoldCommand c, HoldReleased o) when c.Force || o.Revision > before => new HoldGivenUp(o.Revision),
        _ => null,
    };

    /// <summary>What a wait came to.</summary>
    public static Effect OfGrant(Outcome granted) => granted is ManyGranted many
        ? new HoldsGiven(many.Revision, HoldCodec.Write(many.Holds))
        : Of((HoldGranted)granted);

    private static HoldGiven Of(HoldGranted granted) => new(granted.Hold.Object, granted.Hold.Token, granted.WaitedMicros);
}
