using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// After a change of the policy, those who wait are judged by it one after the other, and whoever may not hold any more what it waits for
/// is told so. Nobody is granted anything meanwhile by the policy before it: that is judged at each grant.
/// </summary>
internal sealed class SweepRules(StateTables state, Applying entry, HoldRules holds, WaitRules waits, AccessRules access)
{
    /// <summary>
    /// Goes on from where the entry before stopped: one looks at so many places and ends so many waits, and the next goes on (rule 9).
    /// </summary>
    public void GoOn()
    {
        if (!state.Policies.TryGetSweep(out var from))
        {
            return;
        }
        var freed = new TouchedObjects();
        var looked = 0;
        var isOver = false;
        while (looked < state.Limits.MaxObjectsPerCommand && entry.Promotions < Math.Max(1, state.Limits.MaxObjectsPerStep / 2))
        {
            if (!state.Waiters.TryNext(from, out var waiter))
            {
                isOver = true;
                break;
            }
            looked++;
            from = waiter.Key with { Sequence = waiter.Sequence + 1 };
            if (!access.MayHold(waiter))
            {
                entry.Promotions += (int)Math.Max(1, waiter.LockCount);
                freed.Add(waits.Forbid(waiter));
            }
        }
        entry.Output.Light += looked;
        state.Policies.SetSweep(isOver ? default(WaiterKey?) : from);
        holds.Promote(freed);
    }
}
