using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;

namespace Consensus.StateMachine.Tables;

internal static class Holding
{
    /// <summary>A stored hold as it is shown, with its lease's time to live and the deadline that comes first.</summary>
    public static Hold Show(ObjectName name, HoldRecord hold, LeaseRecord? lease)
    {
        var deadline = lease?.Deadline ?? ClusterTime.Zero;
        return new Hold(
            name.Name,
            hold.Owner,
            hold.Token,
            hold.Lease,
            lease?.TtlMicros ?? 0,
            new Revision(hold.Token.Value),
            deadline < hold.Until ? deadline : hold.Until)
        {
            Space = name.Space,
            Mode = hold.Terms.Mode,
            Count = hold.Terms.Count,
            HoldUntil = hold.Until,
            LockDelayMicros = hold.Terms.LockDelayMicros,
            Metadata = hold.Terms.Metadata,
            Value = hold.Terms.Value,
        };
    }
}
