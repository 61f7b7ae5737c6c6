using System.Globalization;
using Consensus.Api;
using Consensus.Api.KeyValue;
using Consensus.Api.Transactions;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>A key now. 404 when there is none.</summary>
    public Task<ApiResult<KeyAnswer>> GetKeyAsync(string key, CancellationToken cancellationToken) => GetKeyAsync(key, null, cancellationToken);

    /// <summary>A key now, or as it was at a revision. 404 when there is none.</summary>
    public Task<ApiResult<KeyAnswer>> GetKeyAsync(string key, ReadOptions? read, CancellationToken cancellationToken) =>
        GetAsync(KeyTarget(key, ReadOptions.Query(read)), ClientJson.Default.KeyAnswer, cancellationToken);

    /// <summary>Sets a key to any bytes.</summary>
    /// <param name="ifRevision">Only if the key's modRevision is this one.</param>
    /// <param name="ifAbsent">Only if there is no such key.</param>
    /// <param name="lease">Ties the key to a lease (hexadecimal id).</param>
    public Task<ApiResult<KeyAnswer>> PutKeyAsync(
        string key, ReadOnlyMemory<byte> value, long? ifRevision, bool ifAbsent, string? lease, CancellationToken cancellationToken) =>
        PutKeyAsync(key, value, new KeyPutOptions { IfRevision = ifRevision, IfAbsent = ifAbsent, Lease = lease }, cancellationToken);

    /// <summary>Sets a key to any bytes; 412 <c>precondition-failed</c> when its condition does not hold.</summary>
    public Task<ApiResult<KeyAnswer>> PutKeyAsync(
        string key, ReadOnlyMemory<byte> value, KeyPutOptions? options, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Put,
            Target = KeyTarget(key, options?.Lease is { } lease ? "lease=" + ApiPath.EncodeQuery(lease) : ""),
            Body = value,
            ContentType = ApiMediaTypes.Bytes,
            IfMatch = EntityTag(options?.IfRevision) ?? (options is { IfExists: true } ? "*" : null),
            IfNoneMatch = options is { IfAbsent: true } ? "*" : null,
        };
        return SendAsync(request, ClientJson.Default.KeyAnswer, cancellationToken);
    }

    /// <summary>Deletes one key; a missing one is a success that deleted none.</summary>
    public Task<ApiResult<KeysDeletedAnswer>> DeleteKeyAsync(string key, long? ifRevision, CancellationToken cancellationToken)
    {
        var request = new ApiRequest { Method = HttpMethod.Delete, Target = KeyTarget(key, ""), IfMatch = EntityTag(ifRevision) };
        return SendAsync(request, ClientJson.Default.KeysDeletedAnswer, cancellationToken);
    }

    /// <summary>Deletes all keys with a prefix in one revision; 413 when there are more than 10,000.</summary>
    public Task<ApiResult<KeysDeletedAnswer>> DeleteKeysAsync(string prefix, CancellationToken cancellationToken)
    {
        var request = new ApiRequest { Method = HttpMethod.Delete, Target = ApiRoutes.Keys + "?prefix=" + ApiPath.EncodeQuery(prefix) };
        return SendAsync(request, ClientJson.Default.KeysDeletedAnswer, cancellationToken);
    }

    /// <summary>One page of the keys with a prefix; <paramref name="cursor"/> is the last page's <c>nextCursor</c>.</summary>
    public Task<ApiResult<KeyListAnswer>> ListKeysAsync(
        string prefix, int? limit, bool keysOnly, string? cursor, CancellationToken cancellationToken) =>
        ListKeysAsync(new KeyListQuery { Prefix = prefix, Limit = limit, KeysOnly = keysOnly, Cursor = cursor }, cancellationToken);

    /// <summary>One page of keys.</summary>
    public Task<ApiResult<KeyListAnswer>> ListKeysAsync(KeyListQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var target = QueryText.Append(ApiRoutes.Keys, query.ToQuery());
        var request = new ApiRequest { Method = HttpMethod.Get, Target = target, Accept = AnswerBody.RatherPacked };
        return SendAsync(request, ClientJson.Default.KeyListAnswer, cancellationToken);
    }

    /// <summary>Compares, and does one branch or the other, in one revision.</summary>
    public Task<ApiResult<TxnAnswer>> TxnAsync(TxnRequest transaction, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var packed = RequestJson.Pack(transaction, RequestJson.Types.TxnRequest, nameof(transaction));
        return TxnAsync(packed ?? RequestJson.Encode(transaction, RequestJson.Types.TxnRequest, nameof(transaction)), cancellationToken);
    }

    /// <summary>As the other, with the request's JSON or MessagePack (docs/http-api.md) as it is: the server judges it.</summary>
    public Task<ApiResult<TxnAnswer>> TxnAsync(ReadOnlyMemory<byte> transaction, CancellationToken cancellationToken)
    {
        var request = new ApiRequest { Method = HttpMethod.Post, Target = ApiRoutes.Txn, Body = transaction };
        request = request with { ContentType = AnswerBody.TypeOf(transaction.Span), Accept = AnswerBody.RatherPacked };
        return SendAsync(request, ClientJson.Default.TxnAnswer, cancellationToken);
    }

    private static string KeyTarget(string key, string query) => NamedTarget(ApiRoutes.KeyPrefix, key, query);

    internal static string? EntityTag(long? revision) =>
        revision is { } number ? $"\"{number.ToString(CultureInfo.InvariantCulture)}\"" : null;
}
