using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Microsoft.AspNetCore.Builder;

namespace Consensus.Server.Tests.Support;

/// <summary>A test against the real server on a port of its own, in front of an in-process node.</summary>
internal abstract class ContractTest
{
    private WebApplication _app = null!;

    protected InProcessNode Node { get; private set; } = null!;

    protected HttpClient Client { get; private set; } = null!;

    protected ServerLifecycle Lifecycle { get; private set; } = null!;

    protected int Port { get; private set; }

    protected string Url => $"http://127.0.0.1:{Port}";

    [SetUp]
    public async Task StartServerAsync()
    {
        Node = CreateNode();
        Lifecycle = new ServerLifecycle(TimeProvider.System);
        _app = ConsensusServer.Build(new IPEndPoint(IPAddress.Loopback, 0));
        _app.MapConsensusApi(Node, Info, Lifecycle);
        await _app.StartAsync();
        Port = new Uri(_app.Urls.Single()).Port;
        Client = new HttpClient { BaseAddress = new Uri(Url), Timeout = Patience.Limit };
    }

    [TearDown]
    public async Task StopServerAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    /// <summary>Stops the server as its process does when it is told to end.</summary>
    protected Task StopAppAsync() => _app.StopAsync();

    protected virtual ServerInfo Info { get; } = new() { Version = "1.2.3", HostNames = ["consensus.example", "[2001:DB8::7]"] };

    protected virtual InProcessNode CreateNode() => new();

    protected Task<HttpResponseMessage> SendAsync(
        string method, string target, string? body = null, params (string Name, string Value)[] headers) =>
        SendBytesAsync(method, target, body is null ? null : Encoding.UTF8.GetBytes(body), headers);

    protected async Task<HttpResponseMessage> SendBytesAsync(
        string method, string target, byte[]? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), target);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
        }
        foreach (var (name, value) in headers)
        {
            Assert.That(request.Headers.TryAddWithoutValidation(name, value), Is.True, $"the header {name} can be sent");
        }
        return await Client.SendAsync(request);
    }

    /// <summary>Sends, and reads the answer as strictly as the contract's records say.</summary>
    protected async Task<T> AnswerAsync<T>(
        JsonTypeInfo<T> type, HttpStatusCode status, string method, string target, string? body = null, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(method, target, body, headers);
        var text = await response.Content.ReadAsStringAsync();
        Assert.That(response.StatusCode, Is.EqualTo(status), text);
        AssertCommonHeaders(response.Headers);
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/json"));
        Assert.That(response.Content.Headers.ContentLength, Is.EqualTo(Encoding.UTF8.GetByteCount(text)));
        return System.Text.Json.JsonSerializer.Deserialize(text, type)!;
    }

    /// <summary>Sends, and expects this problem; and that nothing was done.</summary>
    protected async Task<ProblemAnswer> ProblemAsync(
        ProblemType type, string method, string target, string? body = null, params (string Name, string Value)[] headers)
    {
        var revision = Node.Status.Revision;
        using var response = await SendAsync(method, target, body, headers);
        var problem = await ReadProblemAsync(response, type);
        Assert.That(Node.Status.Revision, Is.EqualTo(revision), "nothing was done");
        return problem;
    }

    /// <summary>As <see cref="ProblemAsync"/>, for a request that must not even become a command.</summary>
    protected async Task<ProblemAnswer> RefusedAsync(
        ProblemType type, string method, string target, string? body = null, params (string Name, string Value)[] headers)
    {
        var applied = Node.AppliedCommands;
        var problem = await ProblemAsync(type, method, target, body, headers);
        Assert.That(Node.AppliedCommands, Is.EqualTo(applied), "nothing was asked of the node");
        return problem;
    }

    protected static async Task<ProblemAnswer> ReadProblemAsync(HttpResponseMessage response, ProblemType type)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.That((int)response.StatusCode, Is.EqualTo(type.Status), text);
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
        AssertCommonHeaders(response.Headers);
        var problem = System.Text.Json.JsonSerializer.Deserialize(text, ApiJson.Default.ProblemAnswer)!;
        Assert.That(problem.Type, Is.EqualTo("urn:consensus:problem:" + type.Slug));
        Assert.That(problem.Status, Is.EqualTo(type.Status));
        Assert.That(problem.Title, Is.Not.Empty);
        Assert.That(problem.Detail, Is.Not.Empty);
        return problem;
    }

    protected Task<LockGrantAnswer> AcquireAsync(string name, string owner = "me", string ttl = "15s") => AnswerAsync(
        ApiJson.Default.LockGrantAnswer, HttpStatusCode.OK, "POST", "/v1/locks/" + name, $$"""{"owner":"{{owner}}","ttl":"{{ttl}}"}""");

    protected Task<LockAnswer> ShowLockAsync(string name) =>
        AnswerAsync(ApiJson.Default.LockAnswer, HttpStatusCode.OK, "GET", "/v1/locks/" + name);

    protected Task<LeaseAnswer> GrantLeaseAsync(string ttl = "15s") =>
        AnswerAsync(ApiJson.Default.LeaseAnswer, HttpStatusCode.Created, "POST", "/v1/leases", $$"""{"ttl":"{{ttl}}"}""");

    /// <summary>Waits for a condition that another thread brings about.</summary>
    protected static Task UntilAsync(Func<bool> condition, string what) => Patience.UntilAsync(condition, what);

    private static void AssertCommonHeaders(HttpResponseHeaders headers)
    {
        Assert.That(long.Parse(headers.GetValues("Consensus-Revision").Single(), null), Is.Positive);
        Assert.That(headers.GetValues("Consensus-Term").Single(), Is.EqualTo("3"));
        Assert.That(headers.Contains("Consensus-Leader"), Is.True);
    }

    /// <summary>Of a metric, with its labels if it has some.</summary>
    protected async Task<long> MetricAsync(string name)
    {
        using var response = await SendAsync("GET", "/metrics");
        var text = await response.Content.ReadAsStringAsync();
        var line = text.Split('\n').SingleOrDefault(line => line.StartsWith(name + " ", StringComparison.Ordinal));
        // What was never counted has no line.
        return line is null ? 0 : long.Parse(line[(name.Length + 1)..], CultureInfo.InvariantCulture);
    }
}
