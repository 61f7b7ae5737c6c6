using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

internal readonly record struct AnswersView(
    FrozenTree<Identity, KeptOutcome> Kept,
    FrozenTree<Identity, ForgottenOutcome> Forgotten,
    FrozenTree<Identity, BriefAnswer> Brief);

/// <summary>
/// The replicated table of request identities (rule 21). What a request came to is in one of three places: kept whole when it had an effect, forgotten but for that it had one,
/// or remembered briefly when it had none. One number orders all three by age.
/// </summary>
internal sealed class AnswerTable(Limits limits, Shares shares)
{
    /// <summary>More than one command can add, so that what is over goes at last.</summary>
    public const int ForgottenByOneCommand = 32;

    public KeptAnswers Kept { get; } = new(shares);

    public ForgottenAnswers Forgotten { get; } = new(limits);

    public BriefAnswers Brief { get; } = new(limits);

    /// <summary>What all three take in memory, about.</summary>
    public long Bytes => Kept.Sum.Bytes + Forgotten.Sum.Bytes + Brief.Sum.Bytes;

    /// <summary>The number of the next answer.</summary>
    public long NextSequence { get; set; } = 1;

    /// <summary>Keeps what came of a request, of which nothing is kept yet; that it had no effect is remembered no more.</summary>
    public void Keep(Identity identity, ClusterTime now, ReadOnlyMemory<byte> fingerprint, Effect effect)
    {
        var kept = new KeptOutcome(NextSequence++, now, fingerprint, effect);
        Brief.Drop(identity);
        Forgotten.Drop(identity);
        Kept.Add(identity, kept);
    }

    /// <summary>Where there is no room for what came of it, there is for that it was done: sent again, or withdrawn, it is told so, and not done a second time.</summary>
    public void KeepNoMore(Identity identity, ClusterTime now, ForgottenKind kind) => Forgotten.Store(identity, new ForgottenOutcome(NextSequence++, now, kind));

    /// <summary>Remembers an answer that changed nothing, if it is one that can be told again.</summary>
    public void KeepBriefly(Identity identity, ClusterTime now, ReadOnlyMemory<byte> fingerprint, Outcome outcome)
    {
        if (BriefAnswer.Of(outcome, NextSequence, now, fingerprint) is { } answer)
        {
            NextSequence++;
            Brief.Store(identity, answer);
        }
    }

    /// <summary>The time for which a brief answer is remembered begins anew.</summary>
    public void Renew(Identity identity, ClusterTime now, BriefAnswer answer) => Brief.Store(identity, answer with { Sequence = NextSequence++, Stored = now });

    /// <summary>A few at a time: after a burst and a long rest, one command would pay for all of them.</summary>
    public void ForgetOld(ClusterTime now)
    {
        for (var i = 0; i < ForgottenByOneCommand && Kept.TryOldest(out var oldest, out var kept) && now - kept.Stored > limits.IdempotencyMaxAgeMicros; i++)
        {
            Forget(oldest, now, kept);
        }
        Forgotten.DropOld(now, ForgottenByOneCommand);
        Brief.DropOld(now, ForgottenByOneCommand);
    }

    /// <summary>Drops the oldest for room, but never one younger than the promised time.</summary>
    public bool MakeRoom(ClusterTime now)
    {
        while (Kept.Count >= limits.MaxIdempotencyKeys || Kept.Bytes >= limits.MaxIdempotencyBytes)
        {
            if (!Kept.TryOldest(out var oldest, out var kept) || now - kept.Stored < limits.IdempotencyKeepMicros)
            {
                return false;
            }
            Forget(oldest, now, kept);
        }
        return true;
    }

    /// <summary>Drops the oldest of one principal for room, but never one younger than the promised time.</summary>
    /// <returns>How long it stays that young; 0 when it is dropped, or there is none.</returns>
    public long ForgetOldestOf(string principal, ClusterTime now)
    {
        if (!Kept.TryOldestOf(principal, out var oldest, out var kept))
        {
            return 0;
        }
        var left = limits.IdempotencyKeepMicros - (now - kept.Stored);
        if (left > 0)
        {
            return left;
        }
        Forget(oldest, now, kept);
        return 0;
    }

    /// <summary>How long the oldest, while it is too young to be dropped for room, stays so.</summary>
    public long UntilOldestMayGo(ClusterTime now) => Kept.TryOldest(out _, out var kept) ? limits.IdempotencyKeepMicros - (now - kept.Stored) : 0;

    /// <summary>As above, of one principal; may be less than 0.</summary>
    public long UntilOldestMayGo(string principal, ClusterTime now) =>
        Kept.TryOldestOf(principal, out _, out var kept) ? limits.IdempotencyKeepMicros - (now - kept.Stored) : 0;

    public AnswersView Freeze() => new(Kept.Freeze(), Forgotten.Freeze(), Brief.Freeze());

    private void Forget(Identity identity, ClusterTime now, KeptOutcome kept)
    {
        Kept.Remove(identity, kept);
        Forgotten.Store(identity, new ForgottenOutcome(kept.Sequence, now, ForgottenKind.Dropped));
    }

    /// <summary>As <see cref="ForgottenAnswers.Load"/>; kept comes first.</summary>
    public void LoadForgotten(ReadOnlyMemory<byte> item)
    {
        if (Kept.Contains(Forgotten.Load(item)))
        {
            throw new WireFormatException("an identity both kept and forgotten");
        }
    }

    /// <summary>As <see cref="BriefAnswers.Load"/>; kept comes first.</summary>
    public void LoadBrief(ReadOnlyMemory<byte> item)
    {
        if (Kept.Contains(Brief.Load(item)))
        {
            throw new WireFormatException("an identity that both changed something and did not");
        }
    }

    /// <summary>Throws unless each of the three is whole, and none has what is kept.</summary>
    public void Verify()
    {
        Kept.Verify();
        Forgotten.Verify();
        Brief.Verify();
        Invariant.Require(!Kept.Identities.Any(Forgotten.Contains), "what is kept is not forgotten");
        Invariant.Require(!Kept.Identities.Any(Brief.Contains), "what is kept is not remembered as nothing");
    }
}
