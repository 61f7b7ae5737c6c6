using Consensus.Primitives;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// A backup as the first state of a new cluster (rule 15). Its clients' holds have run on, or ended, in the cluster that it was taken of: whoever believes to hold something must
/// ask again, and gets a token that no cluster has ever given.
/// </summary>
internal sealed class NewClusterRules(StateTables state, HoldRules holds)
{
    /// <summary>Further than any cluster writes between a backup and its restore: at 10,000 writes a second, five days.</summary>
    private const long RevisionLeap = 1L << 32;

    /// <summary>So many revisions for each second since 1970: also a second restore of the same backup is above the first, and what was granted there.</summary>
    private const long RevisionsPerSecond = 1L << 20;

    /// <inheritdoc cref="ReplicatedState.BeginNewCluster"/>
    public NewClusterLosses Begin(long unixSeconds, bool endTokens)
    {
        var before = state.Counts;

        // First: what ends below has revisions of its own, and those too must be new.
        state.Revision = new Revision(Math.Max(state.Revision.Value + RevisionLeap, unixSeconds * RevisionsPerSecond));

        // Waiters before what they wait for, so that nobody is granted anything.
        foreach (var waiter in state.Waiters.All().Where(static w => w.Ordinal == 0).ToList())
        {
            holds.RemoveWaiter(waiter);
        }
        foreach (var name in state.Objects.AllUnsettled())
        {
            state.Objects.SetUnsettled(name, state.Objects[name], false);
        }
        foreach (var id in state.Leases.All())
        {
            if (state.Leases.TryGet(id, out var lease))
            {
                holds.EndLease(lease, LossCause.Revoked("the restore of a backup"));
            }
        }
        state.Detaching.Clear();
        state.Policies.SetSweep(null);
        var live = state.Policies.TokenCount - state.Policies.TokensEndedBefore(unixSeconds + 1, int.MaxValue).Count;
        if (endTokens)
        {
            EndAllTokens();
        }
        foreach (var member in state.Members.All().ToList())
        {
            state.Members.Remove(member.Id);
        }
        state.History.Forget(state.History.Count, state.Revision);
        var after = state.Counts;
        Invariant.Require(after is { Leases: 0, HoldsInUse: 0, Waiters: 0 }, "a new cluster begins with nothing held");
        return new NewClusterLosses(before.Leases, before.HoldsInUse, before.Waiters, before.Keys - after.Keys, live, endTokens ? live : 0);
    }

    /// <summary>Also those whose time is over: a clock that is wrong makes none of them good again.</summary>
    private void EndAllTokens()
    {
        var all = state.Policies.AllTokens();
        foreach (var token in all)
        {
            state.Policies.RemoveToken(token.Id);
        }
        if (all.Count > 0)
        {
            state.Policies.Counters = state.Policies.Counters with { Revision = state.Policies.Revision + 1 };
        }
    }
}
