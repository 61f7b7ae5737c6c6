using System.Net;
using Consensus.Api;
using Consensus.Client.Transport;

namespace Consensus.Client.Tests.Tls;

/// <summary>Each way on which a request leaves a client.</summary>
internal enum Way
{
    Pool,
    CallingThread,
    Renewal,
    Stream,
}

/// <summary>Sends one request on a way.</summary>
internal static class Ways
{
    public static readonly ApiRequest Write =
        new() { Method = HttpMethod.Put, Target = "/v1/kv/a", Body = "{}"u8.ToArray(), Form = new Anything() };

    /// <summary>A write, where the way takes one.</summary>
    public static async Task<Attempt> AskAsync(this HttpTransport transport, Way way, Uri endpoint)
    {
        switch (way)
        {
            case Way.Renewal:
                return transport.Send(endpoint, Write with { NeedsIdentity = false }, Patience.Limit, CancellationToken.None);
            case Way.Stream:
                var question = new ApiRequest { Method = HttpMethod.Get, Target = "/v1/snapshot" };
                var (attempt, response) = await transport.OpenStreamAsync(
                    endpoint, question, ApiMediaTypes.Bytes, Patience.Limit, CancellationToken.None);
                response?.Dispose();
                return attempt;
            default:
                return await transport.SendAsync(endpoint, Write, new WriteMark("k1"), Patience.Limit, CancellationToken.None);
        }
    }

    public static HttpTransport Open(Way way, Uri endpoint, ClientTls? tls, TimeProvider? time = null) => new(new ConsensusClientOptions
    {
        Endpoints = [endpoint],
        Tls = tls,
        TimeProvider = time ?? TimeProvider.System,
        ConnectTimeout = Patience.Limit,
        SendsOnCallingThread = way == Way.CallingThread,
    });

    private sealed class Anything : AnswerForm
    {
        public override object? Read(HttpStatusCode status, byte[] body) => body;
    }
}
