using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// Answers that changed nothing, by the identity of their request. While another attempt of it may be under way it must not change anything either: a "no" would become a
/// "yes", with nobody asking any more. Each is remembered for <see cref="Limits.BriefKeepMicros"/>, within a bound whose oldest go first.
/// </summary>
internal sealed class BriefAnswers(Limits limits)
{
    private readonly CowTree<Identity, BriefAnswer> _answers = new();
    private readonly CowTree<long, Identity> _byAge = new();
    private long _bytes;

    public int Count => _answers.Count;

    public FrozenTree<Identity, BriefAnswer> Freeze() => _answers.Freeze();

    public bool TryGet(Identity identity, out BriefAnswer answer) => _answers.TryGet(identity, out answer);

    public bool Contains(Identity identity) => _answers.Contains(identity);

    /// <summary>Adds one that is the newest, or puts it in the place of what was remembered before.</summary>
    public void Store(Identity identity, BriefAnswer answer)
    {
        Drop(identity);
        Load(identity, answer);
        while ((_answers.Count > limits.MaxBriefAnswers || _bytes > limits.MaxBriefBytes) && _byAge.TryFirst(out _, out var oldest))
        {
            Drop(oldest);
        }
    }

    /// <summary>Adds one as it was stored.</summary>
    public void Load(Identity identity, BriefAnswer answer)
    {
        _answers.Set(identity, answer);
        _byAge.Set(answer.Sequence, identity);
        _bytes += SizeOf(identity, answer);
    }

    /// <summary>Drops those whose time is over.</summary>
    public void DropOld(ClusterTime now)
    {
        while (_byAge.TryFirst(out _, out var oldest) && _answers.TryGet(oldest, out var answer) && now - answer.Stored > limits.BriefKeepMicros)
        {
            Drop(oldest);
        }
    }

    private void Drop(Identity identity)
    {
        if (_answers.TryGet(identity, out var answer))
        {
            _answers.Remove(identity);
            _byAge.Remove(answer.Sequence);
            _bytes -= SizeOf(identity, answer);
        }
    }

    private static long SizeOf(Identity identity, BriefAnswer answer) => answer.Bytes + identity.IdempotencyKey.Length + (2L * identity.Principal.Length);
}
