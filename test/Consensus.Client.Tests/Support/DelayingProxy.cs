using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Consensus.Cli.Tests.Support;

namespace Consensus.Client.Tests.Support;

/// <summary>Stands before a member. What grants something it can hold up: on its way there, or the answer on its way back. Whoever asked may be gone by then.</summary>
internal sealed class DelayingProxy : IDisposable
{
    private readonly HttpClient _http = new();
    private readonly Uri _member;
    private readonly FakeServer _server;
    private readonly TaskCompletionSource _release = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DelayingProxy(Uri member)
    {
        _member = member;
        _server = new FakeServer(PassAsync);
    }

    public Uri Endpoint => _server.Endpoint;

    public bool HoldsRequests { get; set; }

    public bool HoldsAnswers { get; set; }

    /// <summary>How many withdrawals are answered before this with "no leader".</summary>
    public int WithdrawalsToRefuse { get; set; }

    /// <summary>What the member said to what grants something.</summary>
    public ConcurrentQueue<FakeAnswer> Grants { get; } = new();

    public ConcurrentQueue<FakeAnswer> Withdrawals { get; } = new();

    public ConcurrentQueue<FakeAnswer> Settlements { get; } = new();

    public ConcurrentQueue<FakeRequest> Requests => _server.Requests;

    /// <summary>What is held up goes on.</summary>
    public void Release() => _release.TrySetResult();

    public void Dispose()
    {
        Release();
        _server.Dispose();
        _http.Dispose();
    }

    private async Task<FakeAnswer> PassAsync(FakeRequest request)
    {
        if (request.Method == "DELETE" && request.Path.StartsWith("/v1/requests/", StringComparison.Ordinal))
        {
            if (WithdrawalsToRefuse-- > 0)
            {
                return FakeAnswer.Problem(503, "no-leader", "No leader is known.");
            }
            var withdrawn = await ForwardAsync(request);
            Withdrawals.Enqueue(withdrawn);
            return withdrawn;
        }
        if (request.Path.EndsWith("/settle", StringComparison.Ordinal))
        {
            var settled = await ForwardAsync(request);
            Settlements.Enqueue(settled);
            return settled;
        }
        if (request.Method != "POST" || request.Path.EndsWith("keepalive", StringComparison.Ordinal)
            || request.Text.Contains("\"session\":true", StringComparison.Ordinal))
        {
            return await ForwardAsync(request);
        }
        if (HoldsRequests)
        {
            await _release.Task;
        }
        var answer = await ForwardAsync(request);
        Grants.Enqueue(answer);
        if (HoldsAnswers)
        {
            await _release.Task;
        }
        return answer;
    }

    private async Task<FakeAnswer> ForwardAsync(FakeRequest request)
    {
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), new Uri(_member, request.Target));
        foreach (var name in (string[])["Idempotency-Key", "Consensus-Session"])
        {
            if (request.Header(name) is { } value)
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }
        if (request.Method != "GET")
        {
            message.Content = new ByteArrayContent(request.Body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        using var response = await _http.SendAsync(message);
        var type = response.Content.Headers.ContentType?.MediaType ?? "application/json";
        return new FakeAnswer((int)response.StatusCode, await response.Content.ReadAsStringAsync(), type);
    }
}
