using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Consensus.Server.Tests.Support;

/// <summary>One message of an event stream.</summary>
internal sealed record StreamMessage(string Event, long? Id, string Data)
{
    public T Read<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Data, type)!;
}

/// <summary>A client of an event stream (WHATWG HTML §9.2), stricter than the standard asks: every message has an event, and its data on one line.</summary>
internal sealed class EventStream(HttpResponseMessage response, StreamReader reader) : IDisposable
{
    public HttpResponseMessage Response => response;

    /// <summary>Comments that came before the last message.</summary>
    public int Comments { get; private set; }

    public static async Task<EventStream> OpenAsync(HttpClient client, string target, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, target);
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        if (response.StatusCode != HttpStatusCode.OK)
        {
            Assert.Fail(await reader.ReadToEndAsync());
        }
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
        return new EventStream(response, reader);
    }

    /// <summary>The next message; null at the end of the stream.</summary>
    public async Task<StreamMessage?> NextAsync()
    {
        using var limit = Patience.Begin();
        string? name = null;
        long? id = null;
        string? data = null;
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.Length == 0 && data is not null)
            {
                return new StreamMessage(name ?? "message", id, data);
            }
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            switch (colon < 0 ? line : line[..colon])
            {
                case "event":
                    name = line[(colon + 2)..];
                    break;
                case "id":
                    id = long.Parse(line.AsSpan(colon + 2), NumberStyles.None, CultureInfo.InvariantCulture);
                    break;
                case "data":
                    Assert.That(data, Is.Null, "data is on one line");
                    data = line[(colon + 2)..];
                    break;
                case "":
                    Comments += line.Length > 0 ? 1 : 0;
                    break;
                default:
                    Assert.Fail("no field of a message: " + line);
                    break;
            }
        }
        Assert.That((name, id, data), Is.EqualTo(((string?)null, (long?)null, (string?)null)), "the stream ends between messages");
        return null;
    }

    public async Task<StreamMessage> ExpectAsync(string eventName)
    {
        var message = await NextAsync();
        Assert.That(message?.Event, Is.EqualTo(eventName), message?.Data);
        return message!;
    }

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }
}
