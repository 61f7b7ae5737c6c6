using System.Globalization;
using Consensus.Security.Tests.Https.Support;
using Consensus.Security.Tokens;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary>A test whose callers show tokens, over TLS and without certificates.</summary>
internal abstract class TokenTest : AccessTest
{
    protected const long Day = 24 * 3600;

    private TimeSpan _later;

    [SetUp]
    public void Begin() => _later = TimeSpan.Zero;

    /// <summary>So much time passes on the clock that tokens are judged by.</summary>
    protected void Pass(TimeSpan time)
    {
        _later += time;
        Time.Shift(_later);
    }

    protected static string Header(BearerToken token) => $"Authorization: Bearer {token.Text}";

    /// <summary>One of the principal, as an administrator makes it.</summary>
    protected async Task<BearerToken> TokenAsync(string principal, long ttlSeconds = 90 * Day)
    {
        var token = BearerToken.Create();
        await DoAsync(new PutTokenCommand(
            token.Id, new Key(token.SecretHash), principal, Time.GetUtcNow().ToUnixTimeSeconds() + ttlSeconds, ttlSeconds));
        return token;
    }

    /// <summary>One of a principal that may all of that.</summary>
    protected async Task<BearerToken> TokenAsync(string principal, params AccessRule[] rules)
    {
        await AllowAsync(principal, rules);
        return await TokenAsync(principal);
    }

    protected Task RevokeAsync(BearerToken token) => DoAsync(new RevokeTokenCommand(token.Id, Only: false, 0));

    /// <summary>A client library that shows the token and no certificate.</summary>
    protected HttpClient With(BearerToken token, string version = "1.1")
    {
        var client = Library(null, Version.Parse(version));
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer " + token.Text);
        return client;
    }

    protected async Task<Told> AskAsync(
        HttpClient client, string method, string target, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), target)
        {
            Content = body is null ? null : new StringContent(body),
            Version = client.DefaultRequestVersion,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        var response = await client.SendAsync(request);
        return new Told((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response);
    }

    protected TlsAnswer AskAlone(string method, string target, params string[] headers) => TlsHttp.Ask(Port, null, method, target, headers);

    protected string Now => Time.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
