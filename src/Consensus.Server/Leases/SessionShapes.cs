using Consensus.Api.Leases;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.StateMachine;

namespace Consensus.Server.Leases;

/// <summary>The words of answers about sessions.</summary>
internal static class SessionShapes
{
    /// <param name="now">In cluster time.</param>
    public static SessionNewsAnswer NewsOf(SessionNews news, ClusterTime now) => new()
    {
        Version = news.Version,
        MustList = news.MustList,
        Ended = [.. news.Ended.Select(ended => EndedOf(ended.Part, ended.Reason))],
        Began = [.. news.Began.Select(ItemOf)],
        Next = news.Next,
        MaxHoldLeftMs = news.HoldsUntil == ClusterTime.Never ? null : Durations.ExpiresInMs(news.HoldsUntil, now),
    };

    public static string KindOf(HoldSpace space) => space switch
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
