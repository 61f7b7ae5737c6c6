using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

/// <summary>A request is taken back under its identity: whoever gives up need not know how far it came.</summary>
public sealed partial class ReplicatedState
{
    private Outcome Withdraw(WithdrawCommand c)
    {
        var identity = new Identity(_principal, c.IdempotencyKey);
        ForgetOld();
        if (_kept.TryGet(identity, out var kept))
        {
            return TakeBack(identity, kept);
        }
        if (_forgotten.TryGet(identity, out var forgotten))
        {
            // It had an effect. Where it is no longer known which, neither "done" nor "released" could be vouched for.
            return forgotten.Kind == ForgottenKind.Dropped ? new RetryTooLate(Revision) : new Withdrawn(Revision, WithdrawResult.Done);
        }
        if (_brief.TryGet(identity, _stamp, out var brief) && brief.IsSuccess)
        {
            // It was told that it succeeded, and is told so again; that keeps a later attempt from having an effect as well as a mark would. Its time begins anew.
            _brief.Store(identity, brief with { Sequence = _nextKept++, Stored = _stamp });
            return new Withdrawn(Revision, WithdrawResult.Done);
        }
        if (_identityWaiters.TryGet(identity, out var place))
        {
            GiveUp(place);
        }
        _brief.Store(identity, new BriefAnswer(_nextKept++, _stamp, default, BriefKind.Withdrawn, Revision));
        return new Withdrawn(Revision, WithdrawResult.Withdrawn);
    }

    private void GiveUp(WaiterKey place)
    {
        var waiter = RemoveWaiter(place);
        if (!waiter.IsDetached)
        {
            Resolve(waiter.Request, new RequestWithdrawn(Revision));
        }
        Promote(place.Object);
    }

    /// <summary>Gives back what was granted. That it was stays remembered as an effect, for as long as it would have been.</summary>
    private Withdrawn TakeBack(Identity identity, KeptOutcome kept)
    {
        switch (kept.Kind)
        {
            case EffectKind.LockGranted:
                GiveBack(new ObjectName((HoldSpace)kept.C, kept.Key), new FencingToken(kept.A));
                break;
            case EffectKind.ManyGranted:
                foreach (var hold in HoldCodec.Read(kept.Blob))
                {
                    GiveBack(hold.Object, hold.Token);
                }
                break;
            case EffectKind.LeaseGranted:
                if (_leases.TryGet(new LeaseId(kept.B), out var lease))
                {
                    EndLease(lease, LossReason.Revoked);
                }
                break;
            case EffectKind.Withdrawn:
                return new Withdrawn(Revision, WithdrawResult.Released);
            default:
                return new Withdrawn(Revision, WithdrawResult.Done);
        }
        Replace(identity, kept, kept with { Kind = EffectKind.Withdrawn, Key = default, A = Revision.Value, B = 0, C = 0, D = 0, Blob = default });
        return new Withdrawn(Revision, WithdrawResult.Released);
    }

    private void GiveBack(ObjectName name, FencingToken token)
    {
        var record = LockAt(name);
        if (FindHold(name, record, token) is { } hold)
        {
            Release(name, record, hold);
        }
    }

    private void Replace(Identity identity, KeptOutcome before, KeptOutcome after)
    {
        _kept.Set(identity, after);
        _keptBytes += SizeOf(identity, after) - SizeOf(identity, before);
    }
}
