using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// Answers that changed nothing, by the identity of their request. While another attempt of it may be under way it must not change anything either: a "no" would become a
/// "yes", with nobody asking any more. Each is remembered for <see cref="Limits.BriefKeepMicros"/>, within a bound whose oldest go first. Withdrawals have a bound of
/// their own: they are rare, and refusals, which are not, must not push them out.
/// </summary>
/// <remarks>One whose time is over is as if it were not there; it is taken out later, a few with each command, so that no command pays for all of them.</remarks>
internal sealed class BriefAnswers(Limits limits)
{
    private readonly CowTree<Identity, BriefAnswer> _primary = new(NewMeasure());
    private readonly ByAge _refusals = new();
    private readonly ByAge _withdrawals = new();

    /// <summary>Also those whose time is over.</summary>
    public int Count => _primary.Count;

    public TreeSum Sum => _primary.Sum;

    public FrozenTree<Identity, BriefAnswer> Freeze() => _primary.Freeze();

    public bool TryGet(Identity identity, ClusterTime now, out BriefAnswer answer) =>
        _primary.TryGet(identity, out answer) && now - answer.Stored <= limits.BriefKeepMicros;

    /// <summary>Adds one that is the newest, or puts it in the place of what was remembered before.</summary>
    public void Store(Identity identity, BriefAnswer answer)
    {
        Drop(identity);
        Add(identity, answer);
        while (_refusals.Exceeds(limits.MaxBriefAnswers, limits.MaxBriefBytes, out var oldest) || _withdrawals.Exceeds(limits.MaxWithdrawals, long.MaxValue, out oldest))
        {
            Drop(oldest);
        }
    }

    public bool Contains(Identity identity) => _primary.Contains(identity);

    /// <summary>Takes out some of those whose time is over.</summary>
    /// <param name="most">Of each sort.</param>
    public void DropOld(ClusterTime now, int most)
    {
        DropOld(_refusals, now, most);
        DropOld(_withdrawals, now, most);
    }

    public void Drop(Identity identity)
    {
        if (_primary.TryGet(identity, out var answer))
        {
            _primary.Remove(identity);
            AgesOf(answer).Remove(answer, SizeOf(identity, answer));
        }
    }

    /// <summary>Throws unless the ages of both sorts are those of the answers, and the bytes theirs.</summary>
    public void Verify()
    {
        Indexes.RequireSums(_primary, NewMeasure(), "the brief answers");
        var all = _primary.Peek().All().ToList();
        _refusals.Verify(all.FindAll(item => AgesOf(item.Value) == _refusals));
        _withdrawals.Verify(all.FindAll(item => AgesOf(item.Value) == _withdrawals));
    }

    /// <summary>Adds one as it was written, and gives its identity. Throws <see cref="WireFormatException"/> when it is damaged, or there already.</summary>
    public Identity Load(ReadOnlyMemory<byte> item)
    {
        var (identity, answer) = BriefAnswerCodec.Read(item);
        if (Contains(identity))
        {
            throw new WireFormatException("an identity remembered twice");
        }
        Add(identity, answer);
        return identity;
    }

    private void Add(Identity identity, BriefAnswer answer)
    {
        _primary.Set(identity, answer);
        AgesOf(answer).Add(identity, answer, SizeOf(identity, answer));
    }

    private void DropOld(ByAge ages, ClusterTime now, int most)
    {
        for (var i = 0; i < most && ages.TryOldest(out var oldest) && !TryGet(oldest, now, out _); i++)
        {
            Drop(oldest);
        }
    }

    private ByAge AgesOf(BriefAnswer answer) => answer.IsWithdrawn ? _withdrawals : _refusals;

    private static WrittenForm<Identity, BriefAnswer> NewMeasure() => new(BriefAnswerCodec.Write, SizeOf);

    private static long SizeOf(Identity identity, BriefAnswer answer) => answer.Bytes + identity.Bytes;

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

        public void Verify(List<(Identity Key, BriefAnswer Value)> answers)
        {
            Indexes.Require(_identities, answers.Select(static item => (item.Value.Sequence, item.Key)), "the index of brief answers by age");
            Invariant.Require(_bytes == answers.Sum(static item => SizeOf(item.Key, item.Value)), "the bytes of the brief answers are counted");
        }

        public bool TryOldest(out Identity oldest) => _identities.TryFirst(out _, out oldest);

        public bool Exceeds(long count, long bytes, out Identity oldest)
        {
            oldest = default;
            return (_identities.Count > count || _bytes > bytes) && TryOldest(out oldest);
        }
    }
}
