using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>What is told of holds, as of the entry.</summary>
internal sealed class HoldAnswers(StateTables state, Applying entry)
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
    public HoldRefused Held(ObjectName name, ObjectRecord record, in Wanted wanted, long waitedMicros)
    {
        var keptUntil = KeptBack.Until(name.Space, record, wanted, entry.Stamp);
        return new HoldRefused(state.Revision, FirstHolder(name, record), record.Waiters, waitedMicros)
        {
            Name = name.Name,
            Own = state.Holds.OwnOf(name, record, wanted.Owner, wanted.Lease),
            DelayedUntil = keptUntil,
            DelayLeftMicros = keptUntil is { } until ? until - entry.Stamp : 0,
        };
    }

    /// <summary>The token is that of no present hold.</summary>
    public NotHolder NotHeld(ObjectName name, FencingToken token, bool isRenewal = false)
    {
        var record = state.Objects[name];
        return new NotHolder(state.Revision, record.LossOf(token), FirstHolder(name, record)) { Asked = token, IsRenewal = isRenewal };
    }

    /// <summary>What was granted once is not held any more.</summary>
    public ReplayedHoldGone Gone(ObjectName name, FencingToken token) => new(state.Revision, state.Objects[name].LossOf(token));

    private Hold? FirstHolder(ObjectName name, ObjectRecord record) => state.Holds.First(name, record) is { } hold ? Show(name, hold) : null;
}
