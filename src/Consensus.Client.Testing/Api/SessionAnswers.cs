using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Client.Testing.Api;

/// <summary>Answers of the contract about sessions, out of the state.</summary>
internal static class SessionAnswers
{
    public static SessionNewsAnswer Of(SessionNews news, ClusterTime now) => new()
    {
        Version = news.Version,
        MustList = news.MustList,
        Ended = [.. news.Ended.Select(ended =>
            new SessionEndedItem(Kind(ended.Part.Object.Space), ended.Part.Object.Name.ToString(),
                Reason(ended.Reason)) { FencingToken = Token(ended.Part), Seq = Seq(ended.Part) })],
        Began = [.. news.Began.Select(part =>
            new SessionItem(Kind(part.Object.Space), part.Object.Name.ToString()) { FencingToken = Token(part), Seq = Seq(part) })],
        Next = news.Next,
        MaxHoldLeftMs = news.HoldsUntil == ClusterTime.Never ? null : Answers.Left(news.HoldsUntil, now),
    };

    public static SettleAnswer Of(long seq, Settled settled) => new()
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
            HoldGranted granted => [Of(granted.Hold)],
            ManyGranted many => [.. many.Holds.Select(Of)],
            ReplayedHoldGone { Left: { IsEmpty: false } left } => [.. left.Select(Of)],
            _ => null,
        },
        Lease = settled.First is LeaseGranted lease ? lease.Id.ToString() : null,
        Problem = settled.First is { } first && (settled.Result == SettleResult.Refused || first is ReplayedHoldGone)
            ? Document(Refusals.Of(first)) : null,
    };

    private static SettledHold Of(Hold hold) => new(Kind(hold.Space), hold.Name.ToString(), hold.Token.Value);

    private static ProblemAnswer? Document(ApiProblem problem) => problem.Json is null ? null
        : JsonSerializer.Deserialize(problem.Json, ApiJson.Default.ProblemAnswer);

    private static string Kind(HoldSpace space) => space switch
    {
        HoldSpace.Lock => "lock",
        HoldSpace.Semaphore => "semaphore",
        HoldSpace.Election => "election",
        _ => Invariant.Unreachable<string>(space),
    };

    private static long? Token(SessionPart part) => part.Token == FencingToken.None ? null : part.Token.Value;

    private static long? Seq(SessionPart part) => part.Number == 0 ? null : part.Number;

    private static string Reason(SessionEnd reason) => reason switch
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
