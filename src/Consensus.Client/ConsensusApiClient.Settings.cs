using Consensus.Api;
using Consensus.Api.Settings;

namespace Consensus.Client;

public sealed partial class ConsensusApiClient
{
    /// <summary>All settings of the cluster: bounds that are the same on every member.</summary>
    public Task<ApiResult<SettingListAnswer>> ListSettingsAsync(ReadOptions? read, CancellationToken cancellationToken) =>
        GetAsync(QueryText.Append(ApiRoutes.Settings, ReadOptions.Query(read)), ClientJson.Default.SettingListAnswer, cancellationToken);

    /// <summary>One setting; 404 when there is none of that name.</summary>
    public Task<ApiResult<SettingAnswer>> GetSettingAsync(string name, ReadOptions? read, CancellationToken cancellationToken) =>
        GetAsync(QueryText.Append(SettingTarget(name), ReadOptions.Query(read)), ClientJson.Default.SettingAnswer, cancellationToken);

    /// <summary>Changes a setting on every member: an operator's act. 400 for a value outside its range.</summary>
    /// <param name="value">In the setting's unit.</param>
    public Task<ApiResult<SettingAnswer>> PutSettingAsync(string name, long value, CancellationToken cancellationToken)
    {
        var request = new ApiRequest
        {
            Method = HttpMethod.Put,
            Target = SettingTarget(name),
            Body = RequestJson.Encode(new SettingRequest(value), RequestJson.Types.SettingRequest, nameof(value)),
        };
        return SendAsync(request, ClientJson.Default.SettingAnswer, cancellationToken);
    }

    /// <summary>Makes a setting what it is by default: an operator's act.</summary>
    public Task<ApiResult<SettingAnswer>> ResetSettingAsync(string name, CancellationToken cancellationToken) => SendAsync(
        new ApiRequest { Method = HttpMethod.Delete, Target = SettingTarget(name) }, ClientJson.Default.SettingAnswer, cancellationToken);

    private static string SettingTarget(string name) => $"{ApiRoutes.Settings}/{ApiPath.EncodeQuery(name)}";
}
