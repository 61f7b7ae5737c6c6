using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>The limit of a semaphore that is in use changes: never below what is out, and whoever has room by it is granted at once.</summary>
internal sealed class PermitRules(StateTables state, Applying entry, HoldRules holds)
{
    public Outcome Change(ChangePermitsCommand c)
    {
        var name = ObjectName.Semaphore(c.Name);
        var record = state.Objects[name];
        if (record.Holders + record.Waiters == 0 && KeptBack.Permits(record, entry.Stamp) == 0)
        {
            return new SemaphoreUnused(state.Revision);
        }
        if (c.Permits < Math.Max(1, OutOf(record)))
        {
            return new PermitsOut(state.Revision, record.Permits, OutOf(record));
        }
        if (c.Permits != record.Permits)
        {
            holds.Store(name, record, record with { Permits = c.Permits });
            holds.Promote(name);
        }
        return new PermitsChanged(state.Revision, c.Permits, record.Permits, OutOf(state.Objects[name]));
    }

    /// <summary>Held, or kept for those who lost it.</summary>
    private long OutOf(ObjectRecord record) => record.PermitsUsed + KeptBack.Permits(record, entry.Stamp);
}
