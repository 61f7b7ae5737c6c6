using Polly;
using Polly.Retry;

namespace Consensus.Client.Transport;

/// <summary>
/// Sends again only what is safe to send again: what was certainly not done, and, under the same Idempotency-Key, what may have
/// been. Each further attempt goes to the next endpoint; a pause comes only after every endpoint had its turn. Where nobody but strangers
/// answers, once is enough: the addresses are more likely wrong than a stranger will become a member.
/// </summary>
internal static class RetryPolicy
{
    /// <summary>Whether an outcome is one that another attempt may better: asked before there is a policy, for most operations need none.</summary>
    public static bool MayBeSentAgain(Attempt attempt, ApiRequest request) =>
        attempt.Kind is AttemptKind.NothingDone or AttemptKind.Unknown
        && attempt.Slug is not ("retry-too-late" or "session-ended")
        && (attempt.Kind != AttemptKind.Unknown || request.IsRepeatable);

    /// <param name="firstSend">When the operation began, by the options' clock.</param>
    /// <param name="wasReached">A member has answered it before.</param>
    public static ResiliencePipeline<Attempt> Build(ConsensusClientOptions options, ApiRequest request, long firstSend, bool wasReached = false)
    {
        var time = options.TimeProvider;
        var end = new SettleDeadline(options, request.Wait, firstSend);
        var everReached = wasReached;
        var everMember = wasReached;
        var builder = new ResiliencePipelineBuilder<Attempt> { TimeProvider = time };
        return builder.AddRetry(new RetryStrategyOptions<Attempt>
        {
            MaxRetryAttempts = int.MaxValue,
            ShouldHandle = arguments =>
            {
                if (arguments.Outcome.Result is not { } attempt || !MayBeSentAgain(attempt, request))
                {
                    return ValueTask.FromResult(false);
                }
                everReached |= !attempt.Unreachable;
                everMember |= !attempt.IsAtWrongAddress;
                var firstRound = arguments.AttemptNumber + 1 < options.Endpoints.Count;
                var budget = everReached ? options.RetryFor + request.Wait : options.RetryUnreachableFor;
                var isWorthIt = firstRound || (everMember && time.GetElapsedTime(firstSend) < budget);
                return ValueTask.FromResult(end.HasTimeForAnother && isWorthIt);
            },
            DelayGenerator = arguments =>
            {
                var round = Math.DivRem(arguments.AttemptNumber + 1, options.Endpoints.Count, out var turn);
                return ValueTask.FromResult<TimeSpan?>(turn != 0 ? TimeSpan.Zero : end.Shorten(Pause(round, arguments.Outcome.Result?.RetryAfter)));
            },
        }).Build();
    }

    private static TimeSpan Pause(int round, TimeSpan? retryAfter)
    {
        var pause = RetryPause.After(round);
        return retryAfter is { } asked && asked > pause && asked <= RetryPause.Longest ? asked : pause;
    }
}
