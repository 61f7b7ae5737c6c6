using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// What is told of holds, as of the entry. Of what belongs to other principals only whoever may read the object is told anything, and of
/// its own everybody.
/// </summary>
internal sealed class HoldAnswers(StateTables state, Applying entry, AccessRules access)
{
    public Hold Show(ObjectName name, HoldRecord hold) => Show(name, hold, state.Leases.TryGet(hold.Lease, out var lease) ? lease : null);

    /// <summary>The hold as its holder may count on it: its lease, or what is left of the time for which it may be held at all.</summary>
    public Hold Show(ObjectName name, HoldRecord hold, LeaseRecord? lease)
    {
        var shown = Holding.Show(name, hold, lease);
        return hold.Until == ClusterTime.Never ? shown : shown with { TtlMicros = Math.Min(shown.TtlMicros, Math.Max(0, hold.Until - entry.Stamp)) };
    }

    /// <summary>It is not to be had now.</summary>
    /// <param name="wanted">Whoever asks for what it holds already is told so (rule 18).</param>
    /// <param name="asker">Whoever is told: another than the entry's where a wait is over.</param>
    public HoldRefused Held(ObjectName name, ObjectRecord record, in Wanted wanted, long waitedMicros, Actor asker)
    {
        var keptUntil = KeptBack.Until(name.Space, record, wanted, entry.Stamp);
        var holder = FirstHolderFor(asker, name, record, out var isUntold);
        return new HoldRefused(state.Revision, holder, record.Waiters, waitedMicros)
        {
            Name = name.Name,
            IsUntold = isUntold,
            Own = state.Holds.OwnOf(name, record, wanted.Owner, wanted.Lease),
            DelayedUntil = keptUntil,
            DelayLeftMicros = keptUntil is { } until ? until - entry.Stamp : 0,
        };
    }

    /// <summary>The token is that of no present hold.</summary>
    public NotHolder NotHeld(ObjectName name, FencingToken token, bool isRenewal = false)
    {
        var record = state.Objects[name];
        var holder = FirstHolderFor(entry.Actor, name, record, out var isUntold);
        var loss = record.LossOf(token);
        if (loss is not null && !MayKnow(entry.Actor, name, loss.Principal))
        {
            (loss, isUntold) = (null, true);
        }
        return new NotHolder(state.Revision, loss, holder) { Asked = token, IsRenewal = isRenewal, IsUntold = isUntold };
    }

    /// <summary>What was granted once is not held any more.</summary>
    public ReplayedHoldGone Gone(ObjectName name, FencingToken token) => new(state.Revision, state.Objects[name].LossOf(token));

    /// <param name="isUntold">Somebody holds it, and who that is is not told.</param>
    private Hold? FirstHolderFor(Actor asker, ObjectName name, ObjectRecord record, out bool isUntold)
    {
        isUntold = false;
        if (state.Holds.First(name, record) is not { } hold)
        {
            return null;
        }
        isUntold = !MayKnow(asker, name, hold.Principal);
        return isUntold ? null : Show(name, hold);
    }

    private bool MayKnow(Actor asker, ObjectName name, string owner) => owner == asker.Name || access.MayRead(name, asker);
}
