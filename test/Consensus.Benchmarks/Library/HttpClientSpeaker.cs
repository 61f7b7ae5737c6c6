using System.Globalization;
using System.Net;
using System.Text;
using Consensus.Benchmarks.Http;
using Consensus.Benchmarks.Workloads;

namespace Consensus.Benchmarks.Library;

/// <summary>
/// The same requests as the generator's without a mark, each over <see cref="HttpClient"/>, and no more than is needed around it.
/// </summary>
internal sealed class HttpClientSpeaker(PoolTask task) : IPoolSpeaker
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private readonly byte[] _value = Encoding.ASCII.GetBytes(KeySpace.Value);

    public async Task<string?> PutAsync(int client, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, HostOf(client) + "/v1/kv/" + key);
        request.Content = new ByteArrayContent(_value);
        return (await SendAsync(request, HttpStatusCode.OK)).Error;
    }

    public async Task<string?> LockAsync(int client)
    {
        var path = HostOf(client) + LockNames.PathOf(task.Run, client);
        using var acquire = new HttpRequestMessage(HttpMethod.Post, path);
        acquire.Content = new StringContent(LockNames.AcquireBody(client, null));
        var (body, error) = await SendAsync(acquire, HttpStatusCode.OK);
        if (error is not null || !JsonScan.TryReadNumber(body, "\"fencingToken\""u8, out var token))
        {
            return error ?? "the answer to an acquire names no token";
        }

        using var release = new HttpRequestMessage(
            HttpMethod.Delete, string.Create(CultureInfo.InvariantCulture, $"{path}?fencingToken={token}"));
        return (await SendAsync(release, HttpStatusCode.NoContent)).Error;
    }

    public void Dispose() => _http.Dispose();

    private string HostOf(int client) => task.Endpoints[client % task.Endpoints.Count];

    private async Task<(byte[] Body, string? Error)> SendAsync(HttpRequestMessage request, HttpStatusCode expected)
    {
        try
        {
            using var response = await _http.SendAsync(request);
            var body = await response.Content.ReadAsByteArrayAsync();
            return (body, response.StatusCode == expected ? null : $"answered {(int)response.StatusCode}: {Encoding.UTF8.GetString(body)}");
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException or IOException)
        {
            return ([], error.Message);
        }
    }
}
