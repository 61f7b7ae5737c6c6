using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

/// <summary>What is kept of grants, and what their retries are told: the hold as it is now, or that it is gone. An old grant repeated would be a lie.</summary>
public sealed partial class ReplicatedState
{
    private KeptOutcome EffectOf(LockGranted o) =>
        Effect(EffectKind.LockGranted, o.Hold.Name, o.Hold.Token.Value, o.WaitedMicros, (long)o.Hold.Space);

    private KeptOutcome EffectOf(ManyGranted o) => Effect(EffectKind.ManyGranted, default, o.Revision.Value, blob: HoldCodec.Write(o.Holds));

    private KeptOutcome EffectOf(HandedOver o) => Effect(EffectKind.HandedOver, default, o.Revision.Value, blob: HoldCodec.Write([o.Hold]));

    /// <summary>Only what the renewal proclaimed is an effect: it raised the revision.</summary>
    private KeptOutcome? EffectOf(RenewLockCommand c, LockRenewed o) =>
        c.Space == HoldSpace.Election && o.Revision > _revisionBefore ? Effect(EffectKind.Proclaimed, c.Name, c.Token.Value, o.Revision.Value) : null;

    private Outcome ReplayGrant(KeptOutcome kept)
    {
        var name = new ObjectName((HoldSpace)kept.C, kept.Key);
        var token = new FencingToken(kept.A);
        return FindHold(name, token) is { } hold
            ? new LockGranted(Revision, Show(name, Share(name, hold)), kept.B)
            : new ReplayedHoldGone(Revision, LossOf(LockAt(name), token));
    }

    private Outcome ReplayMany(KeptOutcome kept)
    {
        var first = HoldCodec.Read(kept.Blob);
        foreach (var hold in first)
        {
            var name = ObjectName.Lock(hold.Name);
            if (!IsHeld(name, hold.Token))
            {
                return new ReplayedHoldGone(Revision, LossOf(LockAt(name), hold.Token));
            }
        }
        var holds = ImmutableArray.CreateBuilder<Hold>(first.Length);
        foreach (var hold in first)
        {
            var name = ObjectName.Lock(hold.Name);
            holds.Add(Show(name, Share(name, FindHold(name, hold.Token)!)));
        }
        return new ManyGranted(Revision, holds.MoveToImmutable());
    }

    /// <summary>The hold was given to somebody else: that it was is true whatever became of it.</summary>
    private HandedOver ReplayHandOver(KeptOutcome kept)
    {
        var given = HoldCodec.Read(kept.Blob)[0];
        var name = new ObjectName(given.Space, given.Name);
        return new HandedOver(new Revision(kept.A), FindHold(name, given.Token) is { } hold ? Show(name, hold) : given);
    }

    private Outcome ReplayProclaimed(ObjectName name, FencingToken token, Revision revision) => FindHold(name, token) is { } hold
        ? new LockRenewed(revision, Show(name, hold))
        : new ReplayedHoldGone(Revision, LossOf(LockAt(name), token));

    /// <summary>
    /// More than one request was told now, and entries may be applied in another order than their client sent them: an early attempt that comes late, and whose
    /// connection is gone, must not give back what a later attempt was granted. So nobody gives it back any more; its release or its lease ends it.
    /// </summary>
    private HoldRecord Share(ObjectName name, HoldRecord hold)
    {
        var shared = hold with { Request = RequestId.None };
        ReplaceHold(name, hold, shared);
        return shared;
    }
}
