using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>What is remembered for a while of a request that changed nothing. The numbers are in snapshots.</summary>
internal enum BriefKind
{
    /// <summary>It was withdrawn before it had an effect: no attempt of it will have one.</summary>
    Withdrawn = 1,
}

/// <param name="Sequence">Its place among all, by age.</param>
internal sealed record BriefAnswer(long Sequence, ClusterTime Stored, BriefKind Kind)
{
    public const int OverheadBytes = 160;
}

/// <summary>
/// Requests that changed nothing and of which another attempt may still be under way: it must not change anything either. Each is remembered for
/// <see cref="Limits.BriefKeepMicros"/>, within a bound whose oldest go first.
/// </summary>
internal sealed class BriefAnswers(Limits limits)
{
    private readonly CowTree<Identity, BriefAnswer> _answers = new();
    private readonly CowTree<long, Identity> _byAge = new();
    private long _bytes;

    public int Count => _answers.Count;

    public FrozenTree<Identity, BriefAnswer> Freeze() => _answers.Freeze();

    public bool TryGet(Identity identity, out BriefAnswer answer) => _answers.TryGet(identity, out answer);

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
        _bytes += SizeOf(identity);
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
            _bytes -= SizeOf(identity);
        }
    }

    private static long SizeOf(Identity identity) => BriefAnswer.OverheadBytes + identity.IdempotencyKey.Length + (2L * identity.Principal.Length);
}
