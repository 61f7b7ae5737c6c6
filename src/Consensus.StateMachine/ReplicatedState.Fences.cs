using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine;

/// <summary>High-water marks of fencing tokens, for systems that cannot keep one themselves (rule 23). They take no revision.</summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<Key, FencingToken> _fences = new();

    private Outcome Fence(FenceCommand c)
    {
        if (c.Token.Value > Revision.Value)
        {
            return new TokenFromFuture(Revision);
        }
        var isKnown = _fences.Peek().TryGet(c.Resource, out var stored, out var highest);
        var order = c.Token.CompareTo(highest);
        if (order < 0)
        {
            return new FenceStale(Revision, highest);
        }
        if (order > 0)
        {
            if (!isKnown && _fences.Count >= _limits.MaxFences)
            {
                return new BoundReached(Revision, BoundKind.Fences, _limits.MaxFences);
            }
            _fences.Set(isKnown ? stored : c.Resource, c.Token);
            KeepEffect(EffectKind.FenceRaised, Revision.Value, c.Token.Value);
        }
        return new FencePassed(Revision, c.Token);
    }

    private FenceReset ResetFence(ResetFenceCommand c)
    {
        var existed = _fences.Remove(c.Resource);
        if (existed)
        {
            KeepEffect(EffectKind.FenceReset, Revision.Value);
        }
        return new FenceReset(Revision, existed);
    }
}
