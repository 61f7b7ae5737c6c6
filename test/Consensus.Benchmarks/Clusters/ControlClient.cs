using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Consensus.Benchmarks.Clusters;

/// <summary>Asks servers about themselves, outside the measured loop. Synchronous, so that the main thread stays the one that starts servers.</summary>
internal static class ControlClient
{
    private static readonly HttpClient Http =
        new(new SocketsHttpHandler { UseProxy = false, SslOptions = BenchCertificates.AdministratorOptions() })
        {
            Timeout = TimeSpan.FromSeconds(2),
        };

    /// <summary>The body of a 200, parsed; null when there was no such answer.</summary>
    public static JsonElement? TryGetJson(string url) => TrySend(new HttpRequestMessage(HttpMethod.Get, url));

    public static JsonElement? TryPostJson(string url, string body) =>
        TrySend(new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(body, Encoding.UTF8, "application/json") });

    /// <summary>One sample without labels from the Prometheus text format; null when it is not there.</summary>
    public static double? TryGetMetric(string url, string name)
    {
        var line = TryGetLines(url)?.FirstOrDefault(text => text.StartsWith(name + " ", StringComparison.Ordinal));
        return line is not null && double.TryParse(line.AsSpan(name.Length + 1), CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
    }

    /// <summary>The sum of the samples that begin so and are wanted, 0 where there are none; null when there was no answer.</summary>
    public static double? TrySumOfSamples(string url, string start, Func<string, bool> isWanted) => TryGetLines(url)?
        .Where(line => line.StartsWith(start, StringComparison.Ordinal) && isWanted(line))
        .Sum(line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture));

    /// <summary>Whether the answer was a success, whatever its body.</summary>
    public static bool IsSuccess(string url)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            using var response = Http.Send(request);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>Whether a put of this body was acknowledged.</summary>
    public static bool TryPut(string url, string body) =>
        TrySend(new HttpRequestMessage(HttpMethod.Put, url) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) }) is not null;

    private static string[]? TryGetLines(string url)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            using var response = Http.Send(request);
            using var reader = new StreamReader(response.Content.ReadAsStream());
            return reader.ReadToEnd().Split('\n');
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or IOException)
        {
            return null;
        }
    }

    private static JsonElement? TrySend(HttpRequestMessage request)
    {
        try
        {
            using (request)
            {
                using var response = Http.Send(request);
                if (!response.IsSuccessStatusCode)
                {
                    return null;
                }

                using var stream = response.Content.ReadAsStream();
                using var document = JsonDocument.Parse(stream);
                return document.RootElement.Clone();
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or IOException or JsonException)
        {
            return null;
        }
    }
}
