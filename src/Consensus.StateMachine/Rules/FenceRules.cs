using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>High-water marks of fencing tokens, for systems that cannot keep one themselves (rule 23). They take no revision.</summary>
internal sealed class FenceRules(StateTables state, Applying entry, RetryRules retries, AccessRules access)
{
    public Outcome Raise(FenceCommand c)
    {
        if (c.Token.Value > state.Revision.Value)
        {
            return new TokenFromFuture(state.Revision);
        }
        if (state.Holds.IsShared(c.Token, out var name))
        {
            return MayKnow(name, c.Token)
                ? new TokenNotExclusive(state.Revision, name)
                : new TokenNotExclusive(state.Revision, name with { Name = default }) { IsUntold = true };
        }
        var isKnown = state.Fences.TryGet(c.Resource, out var stored, out var highest);
        var order = c.Token.CompareTo(highest);
        if (order < 0)
        {
            return access.MayRead(Spaces.Fences, c.Resource)
                ? new FenceStale(state.Revision, highest)
                : new FenceStale(state.Revision, FencingToken.None) { IsUntold = true };
        }
        if (order > 0)
        {
            if (!isKnown && state.Fences.Count >= state.Limits.MaxFences)
            {
                return new BoundReached(state.Revision, BoundKind.Fences, state.Limits.MaxFences);
            }
            if (!isKnown && state.RefuseGrowth(FenceTable.SizeOf(c.Resource)) is { } full)
            {
                return full;
            }
            state.Fences.Set(isKnown ? stored : c.Resource, c.Token);
            if (!entry.Identity.IsNone)
            {
                retries.Keep(new FenceMoved(state.Revision, c.Token));
            }
        }
        return new FencePassed(state.Revision, c.Token);
    }

    public FenceReset Reset(ResetFenceCommand c)
    {
        var existed = state.Fences.Remove(c.Resource);
        if (existed && !entry.Identity.IsNone)
        {
            retries.Keep(new FenceRemoved(state.Revision));
        }
        return new FenceReset(state.Revision, existed);
    }

    /// <summary>Tokens can be guessed: what a hold is of, only its principal is told, and who may read that.</summary>
    private bool MayKnow(ObjectName name, FencingToken token) =>
        access.OwnerOf(name, token) == entry.Principal || access.MayRead(name, entry.Actor);
}
