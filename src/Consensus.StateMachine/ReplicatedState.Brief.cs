using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

/// <summary>
/// An answer that changed nothing is final for its request, whichever attempt was told it (rule 21): a refusal, and a success that found everything done, as a fence passed with
/// the token that is the highest already.
/// </summary>
public sealed partial class ReplicatedState
{
    private readonly BriefAnswers _brief;

    /// <summary>
    /// Renewals are not kept: there are many, and a late one does no harm. No lease and no token comes back once it has ended, so that a "no" stays one by itself; and a "yes"
    /// done twice is a renewal. One that proclaims a value is a write, and is kept.
    /// </summary>
    private void KeepBriefly(Command command, Outcome outcome)
    {
        if (command is not (RenewLeasesCommand or RenewLockCommand { Value: null }) && !_brief.TryGet(_identity, _stamp, out _))
        {
            KeepBriefly(_identity, _fingerprint, outcome);
        }
    }

    /// <summary>A wait that ended without a grant is answered for good, whether its attempt is still connected or not.</summary>
    private void KeepBriefly(WaiterRecord waiter, Outcome outcome) => KeepBriefly(waiter.Identity, waiter.Fingerprint, outcome);

    private void KeepBriefly(Identity identity, ReadOnlyMemory<byte> fingerprint, Outcome outcome)
    {
        if (!identity.IsNone && BriefAnswer.Of(outcome, _nextKept, _stamp, fingerprint.ToArray()) is { } answer)
        {
            _nextKept++;
            _brief.Store(identity, answer);
        }
    }

    /// <summary>
    /// Tells it again. Whoever asked now may have sent another attempt since the first one was answered: its time begins anew. Not that of what is full, for there may be room soon,
    /// and libraries of HTTP ask again after a 429 by themselves, under the same key.
    /// </summary>
    private Outcome Repeat(BriefAnswer answer)
    {
        if (answer.Kind != BriefKind.Withdrawn && !answer.Fingerprint.Span.SequenceEqual(_fingerprint.Span))
        {
            return new IdempotencyMismatch(Revision);
        }
        if (answer.Kind is not (BriefKind.BoundReached or BriefKind.QuotaExceeded))
        {
            _brief.Store(_identity, answer with { Sequence = _nextKept++, Stored = _stamp });
        }
        return answer.Kind switch
        {
            BriefKind.Withdrawn => new RequestWithdrawn(Revision),
            BriefKind.ProclaimedBefore => ReplayProclaimed(ObjectName.Election(answer.Name), new FencingToken(answer.A), answer.Revision),
            _ => AsOfNow(answer),
        };
    }

    /// <summary>When it is worth asking again is told as it is now; under this key not before its answer is forgotten.</summary>
    private Outcome AsOfNow(BriefAnswer answer) => answer.ToOutcome() switch
    {
        BoundReached { Bound: BoundKind.IdempotencyKeys } full => full with
        {
            RetryAfterMicros = Math.Max(UntilOldestMayGo(), _limits.BriefKeepMicros + 1 - (_stamp - answer.Stored)),
        },
        LockHeld { DelayedUntil: { } until } held => held with { DelayLeftMicros = Math.Max(0, until - _stamp) },
        var other => other,
    };

    private void LoadBrief(in Fields fields)
    {
        var (identity, answer) = BriefAnswer.Read(fields);
        if (_kept.Contains(identity) || !_brief.Load(identity, answer))
        {
            throw new WireFormatException("an identity that both changed something and did not, or twice");
        }
    }
}
