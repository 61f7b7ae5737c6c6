using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Rules;

/// <summary>A request is taken back under its identity: whoever gives up need not know how far it came.</summary>
internal sealed class WithdrawRules(StateTables state, Applying entry, HoldRules holds, WaitRules waits)
{
    public Outcome Withdraw(WithdrawCommand c)
    {
        var identity = new Identity(entry.Principal, c.IdempotencyKey);
        var answers = state.Answers;
        answers.ForgetOld(entry.Stamp);
        if (answers.Kept.TryGet(identity, out var kept))
        {
            return TakeBack(identity, kept);
        }
        if (answers.Forgotten.TryGet(identity, out var forgotten))
        {
            // It had an effect. Where it is no longer known which, neither "done" nor "released" could be vouched for.
            return forgotten.Kind == ForgottenKind.Dropped ? new RetryTooLate(state.Revision) : new Withdrawn(state.Revision, WithdrawResult.Done);
        }
        if (answers.Brief.TryGet(identity, entry.Stamp, out var brief) && brief.IsSuccess)
        {
            // It was told that it succeeded, and is told so again; that keeps a later attempt from having an effect as well as a mark would. Its time begins anew.
            answers.Renew(identity, entry.Stamp, brief);
            return new Withdrawn(state.Revision, WithdrawResult.Done);
        }
        if (state.Waiters.TryFind(identity, out var place))
        {
            waits.GiveUp(place);
        }
        answers.Brief.Store(identity, new BriefAnswer(answers.NextSequence++, entry.Stamp, default, new RequestWithdrawn(state.Revision)));
        return new Withdrawn(state.Revision, WithdrawResult.Withdrawn);
    }

    /// <summary>Gives back what was granted. That it was stays remembered as an effect, for as long as it would have been.</summary>
    private Withdrawn TakeBack(Identity identity, KeptOutcome kept)
    {
        switch (kept.Effect)
        {
            case HoldGiven given:
                GiveBack(given.Object, given.Token);
                break;
            case HoldsGiven given:
                foreach (var hold in HoldCodec.Read(given.Holds))
                {
                    GiveBack(hold.Object, hold.Token);
                }
                break;
            case LeaseMade made:
                if (state.Leases.TryGet(made.Lease, out var lease))
                {
                    holds.EndLease(lease, LossCause.Revoked("the withdrawal of the request that made it"));
                }
                break;
            case TakenBack:
                return new Withdrawn(state.Revision, WithdrawResult.Released);
            default:
                return new Withdrawn(state.Revision, WithdrawResult.Done);
        }
        state.Answers.Kept.Replace(identity, kept, kept with { Effect = new TakenBack(state.Revision) });
        return new Withdrawn(state.Revision, WithdrawResult.Released);
    }

    private void GiveBack(ObjectName name, FencingToken token)
    {
        var record = state.Objects[name];
        if (state.Holds.Find(name, record, token) is { } hold)
        {
            holds.Release(name, record, hold);
        }
    }
}
