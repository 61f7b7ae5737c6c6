using System.Globalization;
using Consensus.Api;
using Consensus.Api.KeyValue;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    public Task<ApiResult<KeyAnswer>> GetKeyAsync(string key, CancellationToken cancellationToken) =>
        GetAsync(KeyTarget(key, ""), ClientJson.Default.KeyAnswer, cancellationToken);

    /// <summary>Sets a key to any bytes.</summary>
    /// <param name="ifRevision">Only if the key's modRevision is this one.</param>
    /// <param name="ifAbsent">Only if there is no such key.</param>
    /// <param name="lease">Ties the key to a lease (hexadecimal id).</param>
    public Task<ApiResult<KeyAnswer>> PutKeyAsync(
        string key, ReadOnlyMemory<byte> value, long? ifRevision, bool ifAbsent, string? lease, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Put,
            Target = KeyTarget(key, lease is null ? "" : "lease=" + ApiPath.EncodeQuery(lease)),
            Body = value,
            ContentType = "application/octet-stream",
            IfMatch = EntityTag(ifRevision),
            IfNoneMatch = ifAbsent ? "*" : null,
        };
        return SendAsync(request, ClientJson.Default.KeyAnswer, cancellationToken);
    }

    /// <summary>Deletes one key; a missing one is a success that deleted none.</summary>
    public Task<ApiResult<KeysDeletedAnswer>> DeleteKeyAsync(string key, long? ifRevision, CancellationToken cancellationToken)
    {
        var request = new ApiRequest { Method = HttpMethod.Delete, Target = KeyTarget(key, ""), IfMatch = EntityTag(ifRevision) };
        return SendAsync(request, ClientJson.Default.KeysDeletedAnswer, cancellationToken);
    }

    public Task<ApiResult<KeysDeletedAnswer>> DeleteKeysAsync(string prefix, CancellationToken cancellationToken)
    {
        var request = new ApiRequest { Method = HttpMethod.Delete, Target = ApiRoutes.Keys + "?prefix=" + ApiPath.EncodeQuery(prefix) };
        return SendAsync(request, ClientJson.Default.KeysDeletedAnswer, cancellationToken);
    }

    /// <summary>One page of the keys with a prefix; <paramref name="cursor"/> is the last page's <c>nextCursor</c>.</summary>
    public Task<ApiResult<KeyListAnswer>> ListKeysAsync(
        string prefix, int? limit, bool keysOnly, string? cursor, CancellationToken cancellationToken)
    {
        var target = ApiRoutes.Keys + "?prefix=" + ApiPath.EncodeQuery(prefix);
        target += limit is { } most ? "&limit=" + most.ToString(CultureInfo.InvariantCulture) : "";
        target += keysOnly ? "&keysOnly=true" : "";
        target += cursor is null ? "" : "&cursor=" + ApiPath.EncodeQuery(cursor);
        return GetAsync(target, ClientJson.Default.KeyListAnswer, cancellationToken);
    }

    private static string KeyTarget(string key, string query)
    {
        if (ApiPath.NeedsQuery(key))
        {
            return ApiRoutes.Keys + "?key=" + ApiPath.EncodeQuery(key) + (query.Length > 0 ? "&" + query : "");
        }
        return ApiRoutes.KeyPrefix + ApiPath.Encode(key) + (query.Length > 0 ? "?" + query : "");
    }

    private static string? EntityTag(long? revision) =>
        revision is { } number ? $"\"{number.ToString(CultureInfo.InvariantCulture)}\"" : null;
}
