using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Api.Watches;
using Consensus.Client.Transport;

namespace Consensus.Client.Watches;

/// <summary>One watch over as many event streams as it takes: each goes on after the last revision that was told.</summary>
/// <param name="lease">Of a watch of a lease, which ends with it.</param>
internal sealed class ResumingWatch(ConsensusClientOptions clientOptions, HttpTransport transport, string target, WatchOptions options, string? lease = null)
{
    /// <summary>The server sends a comment every 15 s; after more than two without one nobody is there.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(40);

    private readonly TimeProvider _time = clientOptions.TimeProvider;
    private long? _place = options.FromRevision - 1;
    private bool _began;
    private bool _everReached;

    /// <summary>Somebody was met that may be a member: as long as nobody was, an address is more likely wrong than busy.</summary>
    private bool _everMember;

    /// <summary>Who told a stream whose first message is no member's: it is passed over.</summary>
    private Attempt? _stranger;
    private int _failures;

    /// <summary>Endpoints in a row to which no connection could be secured.</summary>
    private int _untrusted;
    private long _brokeAt;

    /// <summary>Of the beginning.</summary>
    private SettleDeadline _end;

    /// <param name="first">Which endpoint is asked first.</param>
    public async IAsyncEnumerable<WatchMessage> RunAsync(int first, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _brokeAt = _time.GetTimestamp();
        _end = new SettleDeadline(clientOptions, TimeSpan.Zero, _brokeAt);
        for (var sends = 0; ; sends++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var endpoint = clientOptions.Endpoints[(first + sends) % clientOptions.Endpoints.Count];
            var (attempt, response) = await transport.OpenStreamAsync(
                endpoint, Request(), ApiMediaTypes.EventStream, Patience(sends), cancellationToken).ConfigureAwait(false);
            if (response is null)
            {
                if (attempt.Is(ProblemTypes.Compacted))
                {
                    yield return Compacted(attempt);
                    yield break;
                }
                if (_began && lease is not null && attempt.Is(ProblemTypes.NotFound))
                {
                    // It ended while nobody told of it.
                    yield return new WatchLeaseEnded(new LeaseEndedData(lease, null, _place ?? 0), _place ?? 0, "");
                    yield break;
                }
                await PauseOrThrowAsync(attempt, cancellationToken).ConfigureAwait(false);
                continue;
            }
            var isFirst = true;
            await foreach (var message in ReadAsync(endpoint, response, cancellationToken).ConfigureAwait(false))
            {
                // An answer that goes on begins with "open" too, which tells nothing new.
                if (!(isFirst && _began && message is WatchOpened))
                {
                    yield return message;
                }
                (isFirst, _began, _failures) = (false, true, 0);
                if (message is WatchCompacted or WatchLeaseEnded)
                {
                    yield break;
                }
            }
            if (!isFirst)
            {
                // This member served: the time to give up counts anew, and the endpoint that is asked next is another one.
                _brokeAt = _time.GetTimestamp();
            }
            var closed = new Attempt(AttemptKind.NothingDone, endpoint) { Detail = $"{endpoint.Authority} closed the event stream." };
            await PauseOrThrowAsync(_stranger ?? closed, cancellationToken).ConfigureAwait(false);
            _stranger = null;
        }
    }

    /// <summary>For the head of the next stream. Once the watch has begun it goes on for as long as it takes.</summary>
    private TimeSpan Patience(int sends) => _began ? clientOptions.AttemptTimeout : _end.OfAttempt(clientOptions.Endpoints.Count - 1 - sends);

    /// <summary>The messages of one stream, to its end, however it ends.</summary>
    private async IAsyncEnumerable<WatchMessage> ReadAsync(
        Uri endpoint, HttpResponseMessage response, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using (response)
        {
            // Of a revision that comes in several messages: when the stream breaks among them, all of it comes again.
            var parts = new List<WatchEventData>();
            var isFirst = true;
            using var reader = new EventStreamReader(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), LongestSilence);
            while (await NextAsync(reader, cancellationToken).ConfigureAwait(false) is { } block)
            {
                if (!TryParse(block, out var message))
                {
                    var said = new HeardAnswer(
                        (int)response.StatusCode, ApiMediaTypes.EventStream, null, Encoding.UTF8.GetBytes(block.Data));
                    var stranger = said.Foreign(endpoint, Request());
                    _stranger = isFirst ? stranger : throw new ConsensusException(ConsensusApiClient.ToProblem(stranger));
                    yield break;
                }
                isFirst &= message is null;
                if (message is WatchPart part)
                {
                    parts.AddRange(part.Events);
                    continue;
                }
                _place = isFirst ? _place : WatchMessageReader.Place(block) ?? _place;
                if (message is WatchChanges last && parts.Count > 0)
                {
                    message = WatchMessageReader.Join(parts, last);
                    parts.Clear();
                }
                if (message is not null)
                {
                    yield return message;
                }
            }
        }
    }

    /// <param name="message">Null for one that this version does not know.</param>
    /// <returns>False when no member tells so.</returns>
    private static bool TryParse(ServerSentEvent block, out WatchMessage? message)
    {
        try
        {
            message = WatchMessageReader.Read(block);
            return true;
        }
        catch (JsonException)
        {
            message = null;
            return false;
        }
    }

    private static async Task<ServerSentEvent?> NextAsync(EventStreamReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is TimeoutException || HttpTransport.IsFailure(error, cancellationToken))
        {
            return null;
        }
    }

    private ApiRequest Request() => new()
    {
        Method = HttpMethod.Get,
        Target = _began || _place is null
            ? Target()
            : QueryText.Append(Target(), "fromRevision=" + (_place.Value + 1).ToString(CultureInfo.InvariantCulture)),
        Accept = ApiMediaTypes.EventStream,
        LastEventId = _began ? _place : null,
    };

    private string Target() => options.WithPrevious ? QueryText.Append(target, "prev=true") : target;

    /// <summary>Waits before the next endpoint is asked, a round of them at once and then longer and longer.</summary>
    private async Task PauseOrThrowAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        _everReached |= !attempt.Unreachable;
        var budget = (_began, options.GiveUpAfter) switch
        {
            (true, null) => Timeout.InfiniteTimeSpan,
            (true, { } limit) => limit,
            _ => _everReached ? clientOptions.RetryFor : clientOptions.RetryUnreachableFor,
        };
        var isFirstRound = _failures + 1 < clientOptions.Endpoints.Count;
        _everMember |= !attempt.IsAtWrongAddress;
        _untrusted = attempt.IsUntrusted ? _untrusted + 1 : 0;
        if (attempt.Kind is AttemptKind.Refused or AttemptKind.Denied
            || _untrusted >= clientOptions.Endpoints.Count
            || (!_everMember && !isFirstRound)
            || (!_began && !_end.HasTimeForAnother)
            || (budget != Timeout.InfiniteTimeSpan && !isFirstRound && _time.GetElapsedTime(_brokeAt) >= budget))
        {
            throw new ConsensusException(ConsensusApiClient.ToProblem(attempt));
        }
        var round = ++_failures / clientOptions.Endpoints.Count;
        if (_failures % clientOptions.Endpoints.Count == 0)
        {
            var pause = RetryPause.After(round);
            await Task.Delay(_began ? pause : _end.Shorten(pause), _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private static WatchCompacted Compacted(Attempt attempt)
    {
        var problem = ConsensusApiClient.ToProblem(attempt);
        return new WatchCompacted(problem.Document?.CompactRevision ?? 0, problem.Json ?? "");
    }
}
