using System.Globalization;
using System.Net;

namespace Consensus.Peers.Trials;

/// <summary>What a read was told.</summary>
/// <param name="Answered">False: no answer, or one that claims nothing.</param>
/// <param name="Value">Null: there is no such key.</param>
internal readonly record struct ReadResult(bool Answered, string? Value);

/// <summary>Puts and linearizable gets of single keys with one member.</summary>
internal sealed class TrialClient(Uri member, TimeSpan limit) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = limit };

    /// <summary>True when the member acknowledged it.</summary>
    public async Task<bool> PutAsync(string key, string value)
    {
        try
        {
            using var content = new StringContent(value);
            using var answer = await _http.PutAsync(UrlOf(key), content);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            return false;
        }
    }

    public async Task<ReadResult> GetAsync(string key)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, UrlOf(key));
            request.Headers.Accept.ParseAdd("application/octet-stream");
            using var answer = await _http.SendAsync(request);
            return answer.StatusCode switch
            {
                HttpStatusCode.OK => new ReadResult(true, await answer.Content.ReadAsStringAsync()),
                HttpStatusCode.NotFound => new ReadResult(true, null),
                _ => default,
            };
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            return default;
        }
    }

    public void Dispose() => _http.Dispose();

    private Uri UrlOf(string key) => new(member, string.Create(CultureInfo.InvariantCulture, $"/v1/kv/{key}"));
}
