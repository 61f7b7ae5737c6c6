using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Translation;

/// <summary>What is answered about sessions.</summary>
public static class SessionShapes
{
    /// <summary>Of one hold or place in an answer beside its name, at most.</summary>
    private const long ItemJsonBytes = 130;

    /// <summary>Of an answer with news beside what began and ended, at most.</summary>
    private const long NewsJsonBytes = 400;

    /// <summary>An answer with news has at most <see cref="ApiLimits.MaxNewsBytes"/>.</summary>
    public static NewsRoom NewsRoom { get; } = new(
        ApiLimits.MaxNewsBytes - NewsJsonBytes, static part => ItemJsonBytes + JsonTexts.MostBytesOf(part.Object.Name));

    /// <param name="now">In cluster time.</param>
    public static SessionNewsAnswer NewsOf(SessionNews news, ClusterTime now) => new()
    {
        Version = news.Version,
        MustList = news.MustList,
        Ended = [.. news.Ended.Select(ended => EndedOf(ended.Part, ended.Reason))],
        Began = [.. news.Began.Select(ItemOf)],
        Next = news.Next,
        MaxHoldLeftMs = news.HoldsUntil == ClusterTime.Never ? null : Millis.Left(news.HoldsUntil, now),
    };

    public static SettleAnswer SettledOf(long seq, Settled settled) => new()
    {
        Seq = seq,
        Result = settled.Result switch
        {
            SettleResult.Done => SettleResults.Done,
            SettleResult.Refused => SettleResults.Refused,
            SettleResult.NotDone => SettleResults.NotDone,
            _ => Invariant.Unreachable<string>(settled.Result),
        },
        Revision = (settled.First ?? settled).Revision.Value,
        Holds = settled.First switch
        {
            HoldGranted granted => [HoldOf(granted.Hold)],
            ManyGranted many => [.. many.Holds.Select(HoldOf)],
            ReplayedHoldGone { Left: { IsEmpty: false } left } => [.. left.Select(HoldOf)],
            _ => null,
        },
        Lease = settled.First is LeaseGranted lease ? lease.Id.ToString() : null,
        Problem = settled.First is { } first && (settled.Result == SettleResult.Refused || first is ReplayedHoldGone)
            ? OutcomeProblems.Of(first).ToAnswer()
            : null,
    };

    private static SettledHold HoldOf(Hold hold) => new(KindOf(hold.Space), hold.Name.ToString(), hold.Token.Value);

    private static string KindOf(HoldSpace space) => space switch
    {
        HoldSpace.Lock => "lock",
        HoldSpace.Semaphore => "semaphore",
        HoldSpace.Election => "election",
        _ => Invariant.Unreachable<string>(space),
    };

    private static SessionItem ItemOf(SessionPart part) =>
        new(KindOf(part.Object.Space), part.Object.Name.ToString()) { FencingToken = TokenOf(part), Seq = NumberOf(part) };

    private static SessionEndedItem EndedOf(SessionPart part, SessionEnd reason) =>
        new(KindOf(part.Object.Space), part.Object.Name.ToString(), ReasonOf(reason)) { FencingToken = TokenOf(part), Seq = NumberOf(part) };

    private static long? TokenOf(SessionPart part) => part.Token == FencingToken.None ? null : part.Token.Value;

    private static long? NumberOf(SessionPart part) => part.Number == 0 ? null : part.Number;

    private static string ReasonOf(SessionEnd reason) => reason switch
    {
        SessionEnd.Released => "released",
        SessionEnd.Forced => "forced",
        SessionEnd.HeldTooLong => "held-too-long",
        SessionEnd.HandedOver => "handed-over",
        SessionEnd.WaitOver => "wait-over",
        SessionEnd.GivenUp => "given-up",
        SessionEnd.Refused => "refused",
        _ => Invariant.Unreachable<string>(reason),
    };
}
