using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>What is remembered of a request that changed nothing.</summary>
/// <param name="Sequence">Its place among all, by age.</param>
/// <param name="Fingerprint">Of the request; empty when it was withdrawn.</param>
/// <param name="Outcome">
/// As it is told again: of a hold only whose it is and under which lease, of what a transaction read only how much it was, and nothing that
/// depends on when it is asked. A <see cref="RequestWithdrawn"/> stands for a request that was withdrawn before it had an effect.
/// </param>
internal sealed record BriefAnswer(long Sequence, ClusterTime Stored, ReadOnlyMemory<byte> Fingerprint, Outcome Outcome)
{
    public bool IsWithdrawn => Outcome is RequestWithdrawn;

    /// <summary>It was answered with a success that found everything done.</summary>
    public bool IsSuccess =>
        Outcome is DeleteDone or HoldReleased or FencePassed or FenceReset or TxnDone or HoldRenewed or PermitsChanged or PolicyChanged;

    /// <summary>What it takes in memory, about, with its place in two trees.</summary>
    public long Bytes => 240 + Fingerprint.Length + BytesOf(Outcome);

    /// <summary>
    /// What is remembered of this outcome; null for one that is no answer to the request that asked (it waits, or came with another's key), or none of its own (a repetition),
    /// and for those that changed something. Another id is drawn under the same identity when a lease's is taken.
    /// </summary>
    public static BriefAnswer? Of(Outcome outcome, long sequence, ClusterTime stored, ReadOnlyMemory<byte> fingerprint) =>
        Remembered(outcome) is { } remembered ? new BriefAnswer(sequence, stored, fingerprint, remembered) : null;

    /// <summary>A hold as it is remembered.</summary>
    public static Hold HoldOf(Key name, string owner, FencingToken token, LeaseId lease) =>
        new(name, owner, token, lease, 0, new Revision(token.Value), ClusterTime.Zero);

    private static Outcome? Remembered(Outcome outcome) => outcome switch
    {
        DeleteDone { Deleted: > 0 } or FenceReset { Existed: true } => null,
        ConditionFailed or DeleteDone or LeaseMissing or NoSuchWaiter or PermitsMismatch or KeyWrittenTwice or AnswerTooLarge => outcome,
        FenceStale or TokenFromFuture or QuotaExceeded or TooManyObjects or SettingOutOfRange or HoldReleased or FencePassed => outcome,
        FenceReset or PermitsOut or SemaphoreUnused or TokenNotExclusive or PolicyRefused => outcome,
        Forbidden o => new Forbidden(o.Revision, o.Reason),
        PolicyChanged o => o with { Before = o.PolicyRevision },
        BoundReached o => o with { RetryAfterMicros = 0 },
        HoldRefused o => o with
        {
            Holder = o.Holder is { } holder ? HoldOf(o.Name, holder.Owner, holder.Token, holder.Lease) : null,
            DelayLeftMicros = 0,
        },
        NotHolder o => o with
        {
            Loss = o.Loss is { } loss ? new HoldLoss(loss.Token, "", loss.Reason, loss.AtRevision) : null,
            Current = o.Current is { } current ? HoldOf(default, current.Owner, current.Token, LeaseId.None) : null,
        },
        TxnDone o => o with { Results = [.. o.Results.Select(TxnResultCodec.Kept)] },
        PermitsChanged o => o with { Before = o.Permits },
        HoldRenewed o => o with { Hold = HoldOf(o.Hold.Name, "", o.Hold.Token, LeaseId.None) with { Space = o.Hold.Space } },
        _ => null,
    };

    /// <summary>Beside the size that every outcome has.</summary>
    private static long BytesOf(Outcome outcome) => outcome switch
    {
        HoldRefused o => o.Name.Length + BytesOf(o.Holder),
        NotHolder o => BytesOf(o.Current) + (o.Loss is null ? 0 : 100),
        HoldRenewed o => o.Hold.Name.Length + BytesOf(o.Hold),
        NoSuchWaiter o => 2L * o.Owner.Length,
        KeyWrittenTwice o => o.Key.Length,
        TokenNotExclusive o => o.Object.Name.Length,
        PolicyRefused o => 2L * o.Name.Length,
        TxnDone o => 40L * o.Results.Length,
        _ => 0,
    };

    private static long BytesOf(Hold? hold) => hold is null ? 0 : 140 + (2L * hold.Owner.Length);
}
