using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>What a holder does with its hold, and what an operator does to it: renew, release, break, hand over.</summary>
internal sealed class HolderRules(
    StateTables state, HoldRules holds, LineRules lines, LeaseRules leases, HoldAnswers answers, AccessRules access)
{
    public Outcome Renew(RenewHoldCommand c)
    {
        var name = c.Object;
        if (state.Holds.Find(name, c.Token) is not { } hold || !state.Leases.TryGet(hold.Lease, out var lease))
        {
            return answers.NotHeld(name, c.Token, isRenewal: true);
        }
        if (lease.Holds > 1 && access.RefuseHoldsOf(lease) is { } forbidden)
        {
            return forbidden;
        }
        var isNew = name.Space == HoldSpace.Election && c.Value is { } value && !value.Span.SequenceEqual(hold.Terms.Value.Span);
        if (isNew && holds.RefuseBytes(0, c.Value!.Value.Length, c.Value.Value.Length - hold.Terms.Value.Length) is { } tooLarge)
        {
            return tooLarge;
        }
        leases.Renew(lease);
        if (isNew)
        {
            state.Bump();
            var proclaimed = hold with { Terms = hold.Terms with { Value = c.Value!.Value.ToArray() } };
            state.Holds.Replace(name, hold, proclaimed);
            hold = proclaimed;
            holds.RecordElection(name.Name, answers.Show(name, hold));
        }
        return new HoldRenewed(state.Revision, answers.Show(name, hold));
    }

    public Outcome Release(ReleaseHoldCommand c)
    {
        var name = c.Object;
        if (c.Force && c.Token == FencingToken.None)
        {
            return Break(name, c.By);
        }
        var record = state.Objects[name];
        if (state.Holds.Find(name, record, c.Token) is { } hold)
        {
            if (c.Force)
            {
                holds.Lose(name, hold, LossCause.Forced(c.By));
            }
            else
            {
                holds.Release(name, record, hold);
            }
            return new HoldReleased(state.Revision);
        }
        return record.Released.Contains(c.Token) || state.Released.Contains(name, c.Token) ? new HoldReleased(state.Revision) : answers.NotHeld(name, c.Token);
    }

    /// <summary>
    /// The hold goes to the first waiter of the named owner, past those who wait before it: release and grant in one step. It stays with
    /// its principal: another's may call itself anything. Not to one who waits for several locks at once, which would hold one of them
    /// while it waits for the others.
    /// </summary>
    public Outcome HandOver(HandOverCommand c)
    {
        var name = c.Object;
        var record = state.Objects[name];
        if (state.Holds.Find(name, record, c.Token) is not { } hold)
        {
            return answers.NotHeld(name, c.Token);
        }
        var after = holds.Released(record, hold);
        if (lines.FirstAloneTo(name, after, new OwnerName(hold.Principal, c.To), out var waitsForSeveral) is not { } waiter)
        {
            return new NoSuchWaiter(state.Revision, c.To) { WaitsForSeveral = waitsForSeveral };
        }
        holds.Take(name, hold, record, after, SessionEnd.HandedOver);
        var granted = holds.GrantWaiter(waiter);

        // Only now: the waiter may wait under the very lease that goes with its last hold.
        holds.LeaveLease(hold.Lease);
        holds.Promote(name);
        return new HandedOver(state.Revision, granted is ManyGranted many ? many.Holds[0] : ((HoldGranted)granted).Hold);
    }

    /// <summary>Frees the object whoever holds it; when nobody does, ends the time for which it is kept for those who lost it.</summary>
    private Outcome Break(ObjectName name, string by)
    {
        var record = state.Objects[name];
        if (record.Holders > state.Limits.MaxObjectsPerCommand)
        {
            return new TooManyObjects(state.Revision, state.Limits.MaxObjectsPerCommand);
        }
        if (record.Holders == 0 && !record.Delays.IsEmpty)
        {
            holds.EndDelays(name, ClusterTime.Never);
        }

        // All that hold now, not those who are granted because of it.
        foreach (var hold in record.Holders > 0 ? state.Holds.Of(name, record) : [])
        {
            holds.Lose(name, hold, LossCause.Forced(by) with { IsNamed = false });
        }
        return new HoldReleased(state.Revision);
    }
}
