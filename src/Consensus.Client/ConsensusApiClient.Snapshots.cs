using System.Globalization;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>What operators ask of members: a backup, the hash of their state, and what it has in its tables.</summary>
public sealed partial class ConsensusApiClient
{
    /// <summary>
    /// Begins to read a backup of the whole state at one applied index. The bytes are a snapshot file's; whoever takes them checks them to their end.
    /// </summary>
    /// <param name="stale">True: the answering member's own copy, which needs no leader and may lack the newest writes.</param>
    public async Task<ApiResult<SnapshotDownload>> OpenSnapshotAsync(bool stale, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Get,
            Target = stale ? ApiRoutes.Snapshot + "?consistency=stale" : ApiRoutes.Snapshot,
        };
        var endpoints = _sender.Options.Endpoints;
        var sends = 0;
        HttpResponseMessage? response = null;
        Attempt? answered = null;
        var firstSend = _sender.Options.TimeProvider.GetTimestamp();
        var end = new SettleDeadline(_sender.Options, request.Wait, firstSend);
        var last = await RetryPolicy.Build(_sender.Options, request, firstSend).ExecuteAsync(
            async token =>
            {
                var endpoint = endpoints[sends++ % endpoints.Count];
                (var attempt, response) = await _sender.Transport.OpenStreamAsync(endpoint, request,
                    ApiMediaTypes.Bytes, end.OfAttempt(endpoints.Count - sends), token).ConfigureAwait(false);
                answered = attempt.Unreachable || (attempt.IsForeign && answered is { IsForeign: false }) ? answered : attempt;
                return attempt;
            },
            cancellationToken).ConfigureAwait(false);
        return last.Kind == AttemptKind.Done
            ? ApiResult<SnapshotDownload>.Of(new SnapshotDownload(last.Endpoint, response!, _sender.Options.AttemptTimeout), "")
            : ApiResult<SnapshotDownload>.Failed(ToProblem(last.Unreachable || last.IsForeign ? answered ?? _sender.Nobody(last) : last));
    }

    /// <summary>
    /// The hash of the answering member's state at a log index; the member waits up to about five seconds for an index that it has not applied yet. A client with one endpoint
    /// knows which member that is.
    /// </summary>
    /// <param name="index">Null: whatever the member has applied.</param>
    public Task<ApiResult<StateHashAnswer>> GetStateHashAsync(long? index, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Get,
            Target = index is { } number ? string.Create(CultureInfo.InvariantCulture, $"{ApiRoutes.StateHash}?index={number}") : ApiRoutes.StateHash,
        };
        return SendAsync(request, OperationsJson.Default.StateHashAnswer, cancellationToken);
    }

    /// <summary>
    /// What the answering member's tables have at a log index; the member waits up to about five seconds for an index that it has not applied yet, and keeps its state of that
    /// index for questions about ranges: 30 s after each, 2 min at most.
    /// </summary>
    internal Task<ApiResult<StateTablesAnswer>> GetStateTablesAsync(long index, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Get,
            Target = string.Create(CultureInfo.InvariantCulture, $"{ApiRoutes.StateTables}?index={index}"),
        };
        return SendAsync(request, OperationsJson.Default.StateTablesAnswer, cancellationToken);
    }

    /// <summary>Asks about ranges of a table of which <see cref="GetStateTablesAsync"/> has told. It changes nothing.</summary>
    internal Task<ApiResult<TableRangesAnswer>> AskRangesAsync(TableRangesRequest question, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Post,
            Target = ApiRoutes.StateTables,
            NeedsIdentity = false,
            Body = RequestJson.Encode(question, RequestJson.Types.TableRangesRequest, nameof(question)),
        };
        return SendAsync(request, OperationsJson.Default.TableRangesAnswer, cancellationToken);
    }
}
