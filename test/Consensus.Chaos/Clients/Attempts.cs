using System.Net.Sockets;
using System.Text.Json;
using Consensus.Simulation.Clients;

namespace Consensus.Chaos.Clients;

/// <summary>Sends attempts over plain HTTP and reads what they tell. Any thread.</summary>
/// <param name="doors">The present ones.</param>
/// <param name="identity">What is before the operations' owners in their Idempotency-Keys.</param>
internal sealed class Attempts(Func<IReadOnlyList<Door>> doors, string identity) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1), UseProxy = false })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Of a connection or of patience. A connection that is reset as it comes about ends as a bare exception of its socket.</summary>
    public static bool IsLoss(Exception e) => e is HttpRequestException or OperationCanceledException or IOException or SocketException;

    public void Dispose() => _http.Dispose();

    /// <param name="member">Any number: the same one is the same door for as long as these are the members.</param>
    /// <param name="patienceMs">Afterwards its connection is closed.</param>
    /// <exception cref="InvalidDataException">An answer that the contract does not have.</exception>
    public async Task<AttemptResult> TryAsync(Operation operation, int member, long patienceMs, Attempt how = default)
    {
        var present = doors();
        using var request = RequestWriter.Of(operation, present[member % present.Count], identity, how);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(patienceMs));
        try
        {
            using var response = await _http.SendAsync(request, patience.Token);
            var bytes = await response.Content.ReadAsByteArrayAsync(patience.Token);
            using var json = bytes.Length > 0 ? JsonDocument.Parse(bytes) : null;
            var revision = response.Headers.TryGetValues("Consensus-Revision", out var values) ? values.First() : null;
            return AnswerReader.Read(operation, response.StatusCode, revision, json?.RootElement ?? default);
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            return AttemptResult.NotDone;
        }
        catch (Exception e) when (IsLoss(e))
        {
            return AttemptResult.Unknown;
        }
    }

    /// <summary>What is no operation of a history: the body of a success; null otherwise.</summary>
    public async Task<JsonElement?> GetAsync(string path, int member)
    {
        var present = doors();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            using var response = await _http.GetAsync(new Uri(present[member % present.Count].Url + path), patience.Token);
            return response.IsSuccessStatusCode
                ? JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsByteArrayAsync(patience.Token))
                : null;
        }
        catch (Exception e) when (IsLoss(e))
        {
            return null;
        }
    }
}
