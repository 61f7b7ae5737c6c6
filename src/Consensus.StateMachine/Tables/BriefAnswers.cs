using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// Answers that changed nothing, by the identity of their request. While another attempt of it may be under way it must not change anything either: a "no" would become a
/// "yes", with nobody asking any more. Each is remembered for <see cref="Limits.BriefKeepMicros"/>, within a bound whose oldest go first. Withdrawals have a bound of
/// their own: they are rare, and refusals, which are not, must not push them out.
/// </summary>
/// <remarks>One whose time is over is as if it were not there; it is taken out later, a few with each command, so that no command pays for all of them.</remarks>
internal sealed class BriefAnswers(Limits limits)
{
    private readonly CowTree<Identity, BriefAnswer> _answers = new();
    private readonly ByAge _refusals = new();
    private readonly ByAge _withdrawals = new();

    /// <summary>Also those whose time is over.</summary>
    public int Count => _answers.Count;

    public FrozenTree<Identity, BriefAnswer> Freeze() => _answers.Freeze();

    public bool TryGet(Identity identity, ClusterTime now, out BriefAnswer answer) =>
        _answers.TryGet(identity, out answer) && now - answer.Stored <= limits.BriefKeepMicros;

    /// <summary>Adds one that is the newest, or puts it in the place of what was remembered before.</summary>
    public void Store(Identity identity, BriefAnswer answer)
    {
        Drop(identity);
        Load(identity, answer);
        while (_refusals.Exceeds(limits.MaxBriefAnswers, limits.MaxBriefBytes, out var oldest) || _withdrawals.Exceeds(limits.MaxWithdrawals, long.MaxValue, out oldest))
        {
            Drop(oldest);
        }
    }

    /// <summary>Adds one as it was stored. False when there is one of this identity.</summary>
    public bool Load(Identity identity, BriefAnswer answer)
    {
        if (_answers.Contains(identity))
        {
            return false;
        }
        _answers.Set(identity, answer);
        AgesOf(answer).Add(identity, answer, SizeOf(identity, answer));
        return true;
    }

    /// <summary>Takes out some of those whose time is over.</summary>
    /// <param name="most">Of each sort.</param>
    public void DropOld(ClusterTime now, int most)
    {
        DropOld(_refusals, now, most);
        DropOld(_withdrawals, now, most);
    }

    public void Drop(Identity identity)
    {
        if (_answers.TryGet(identity, out var answer))
        {
            _answers.Remove(identity);
            AgesOf(answer).Remove(answer, SizeOf(identity, answer));
        }
    }

    private void DropOld(ByAge ages, ClusterTime now, int most)
    {
        for (var i = 0; i < most && ages.TryOldest(out var oldest) && !TryGet(oldest, now, out _); i++)
        {
            Drop(oldest);
        }
    }

    private ByAge AgesOf(BriefAnswer answer) => answer.Kind == BriefKind.Withdrawn ? _withdrawals : _refusals;

    private static long SizeOf(Identity identity, BriefAnswer answer) => answer.Bytes + identity.IdempotencyKey.Length + (2L * identity.Principal.Length);

    private sealed class ByAge
    {
        private readonly CowTree<long, Identity> _identities = new();
        private long _bytes;

        public void Add(Identity identity, BriefAnswer answer, long bytes)
        {
            _identities.Set(answer.Sequence, identity);
            _bytes += bytes;
        }

        public void Remove(BriefAnswer answer, long bytes)
        {
            _identities.Remove(answer.Sequence);
            _bytes -= bytes;
        }

        public bool TryOldest(out Identity oldest) => _identities.TryFirst(out _, out oldest);

        public bool Exceeds(long count, long bytes, out Identity oldest)
        {
            oldest = default;
            return (_identities.Count > count || _bytes > bytes) && TryOldest(out oldest);
        }
    }
}
