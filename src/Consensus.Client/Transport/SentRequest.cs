using System.Net;
using Consensus.Api.Problems;

namespace Consensus.Client.Transport;

/// <summary>
/// One request that is sent until there is a definite answer or the time for it is over. What waits in slices is sent again each time that it is
/// told its place in line.
/// </summary>
/// <param name="identity">Of a write that has one.</param>
internal sealed class SentRequest(RequestSender sender, ApiRequest request, RequestIdentity? identity)
{
    /// <summary>
    /// Who waits under a number of a session is told its place this soon: until then the number holds up what the session acknowledges.
    /// </summary>
    private static readonly TimeSpan FirstSlice = TimeSpan.FromMilliseconds(250);

    private readonly ConsensusClientOptions _options = sender.Options;
    private readonly long _firstSend = sender.Options.TimeProvider.GetTimestamp();
    private int _next = sender.Preferred % sender.Options.Endpoints.Count;
    private int _sends;

    /// <summary>What is asked under the present identity: the request itself, or what is left of its wait.</summary>
    private ApiRequest _asked = request.WaitingFor(identity?.Wait ?? request.Wait);

    /// <summary>What is sent next: the same, as one that waits for as long as its slice lasts.</summary>
    private ApiRequest _slice = FirstOf(request.WaitingFor(identity?.Wait ?? request.Wait), identity, sender.Options.WaitSlice);

    /// <summary>A member told its place, which whatever becomes of the rest it may still have.</summary>
    private bool _hadPlace;

    /// <summary>The last attempt that may have taken effect.</summary>
    private Attempt? _unknown;

    /// <summary>What some member said tells more than that another one is away, and so does what a stranger said.</summary>
    private Attempt? _answered;

    public async Task<Attempt> UntilSettledAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var last = await SendSliceAsync(cancellationToken).ConfigureAwait(false);
        for (var early = 0; last.IsPlace && HasTimeToWait;)
        {
            var sentAt = _options.TimeProvider.GetTimestamp();
            _slice = _asked.InSlices(_options.WaitSlice);
            last = await SendSliceAsync(cancellationToken).ConfigureAwait(false);
            early = _options.TimeProvider.GetElapsedTime(sentAt) < _slice.LongestWait / 2 ? early + 1 : 0;
            if (last.IsPlace && early > 0)
            {
                // Whoever answers so does not wait, and is not asked without a pause.
                await Task.Delay(RetryPause.After(early), _options.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }
        if (_hadPlace)
        {
            _unknown ??= last with { Kind = AttemptKind.Unknown, Detail = "It stood in line when a member told of it last, and may still do so." };
        }
        if (_unknown is { } unknown && !IsConclusive(last) && !(last.Kind == AttemptKind.Refused && identity is { IsInDoubt: false }))
        {
            return last.Kind == AttemptKind.Refused ? unknown with { RefusedSince = last } : unknown;
        }
        return last.Unreachable || last.IsForeign ? _answered ?? sender.Nobody(last) : last;
    }

    private static ApiRequest FirstOf(ApiRequest asked, RequestIdentity? identity, TimeSpan slice) => identity is null ? asked
        : asked.InSlices(identity.Numbers is not null && FirstSlice < slice ? FirstSlice : slice);

    /// <summary>Its wait is over then, or should be: as long as there is no leader no member says so.</summary>
    private bool HasTimeToWait => _options.TimeProvider.GetElapsedTime(_firstSend) < request.Wait + _options.RetryFor;

    private async Task<Attempt> SendSliceAsync(CancellationToken cancellationToken)
    {
        var sent = await SendOnceAsync(cancellationToken).ConfigureAwait(false);
        if (!RetryPolicy.MayBeSentAgain(sent, request))
        {
            return sent;
        }
        Attempt? begun = sent;
        return await RetryPolicy.Build(_options, request, _firstSend, _hadPlace).ExecuteAsync(
            token =>
            {
                var attempt = begun is { } earlier ? Task.FromResult(earlier) : SendOnceAsync(token);
                begun = null;
                return new ValueTask<Attempt>(attempt);
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<Attempt> SendOnceAsync(CancellationToken cancellationToken)
    {
        var (endpoints, index) = (_options.Endpoints, _next);
        _sends++;
        var isFree = identity is { IsFree: true };
        var mark = identity?.BeginSend(endpoints[index]) ?? default;
        if (isFree)
        {
            // A part of its wait is over.
            _asked = request.WaitingFor(request.Wait - _options.TimeProvider.GetElapsedTime(_firstSend));
            _slice = FirstOf(_asked, identity, _options.WaitSlice);
        }
        identity?.Wait = _asked.Wait;
        var end = new SettleDeadline(_options, request.Wait, _firstSend);
        var attempt = await sender.Transport.SendAsync(
            endpoints[index], _slice, mark, end.OfAttempt(endpoints.Count - _sends, _slice.LongestWait), cancellationToken).ConfigureAwait(false);
        if (_hadPlace && identity?.Numbers is not null && attempt.Is(ProblemTypes.RetryTooLate))
        {
            // The number was acknowledged while it stood in line: it neither stands there any more nor holds anything.
            attempt = attempt with
            {
                Kind = AttemptKind.Refused,
                Status = (HttpStatusCode)ProblemTypes.LockHeld.Status,
                Slug = ProblemTypes.LockHeld.Slug,
                Detail = "Its wait was over before others gave it up.",
                Body = [],
            };
        }
        identity?.EndSend(attempt);
        if (attempt.Kind == AttemptKind.Unknown)
        {
            _unknown = attempt;
        }
        else if (attempt.Kind != AttemptKind.NothingDone)
        {
            sender.Prefer(index);
        }
        _hadPlace |= attempt.IsPlace;
        // Where it stands in line it goes on: to ask elsewhere is an entry in the log.
        _next = attempt.IsPlace ? index : (index + 1) % endpoints.Count;
        _answered = attempt.Unreachable || (attempt.IsForeign && _answered is { IsForeign: false }) ? _answered : attempt;
        return attempt;
    }

    /// <summary>
    /// Whether the last answer also settles earlier attempts whose outcome is unknown. A success does: it is the first attempt's
    /// answer replayed, or the first attempt's second chance. "Nothing was done" does not, and neither does a no that a late first
    /// attempt could still turn into a yes.
    /// </summary>
    private bool IsConclusive(Attempt last) => last.Kind switch
    {
        AttemptKind.Done => !last.IsPlace,
        AttemptKind.Refused => request.RefusalIsFinal
            || ((int)last.Status is not (409 or 412 or 507) && ((int)last.Status != 404 || request.NotFoundIsFinal)),
        _ => false,
    };
}
