using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Consensus.Api.Problems;
using Consensus.Security.Tests.Https.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.Access;

/// <summary>An answer, taken whole.</summary>
internal sealed record Told(int Status, string Body, HttpResponseMessage Response)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string Type => Json.GetProperty("type").GetString()!;
}

/// <summary>
/// A test against the server of a cluster that judges rights: <c>admin</c> may everything, and the others what the test says.
/// </summary>
internal abstract class AccessTest : HttpsTest
{
    protected const string Admin = "admin";

    private readonly Dictionary<string, (MadeCertificate Certificate, HttpClient Client)> _known = [];

    /// <summary>Whoever it is, with a connection of its own.</summary>
    protected HttpClient As(string name) => Known(name).Client;

    protected string FingerprintOf(string name) => Convert.ToHexStringLower(SHA256.HashData(Known(name).Certificate.Leaf.RawData));

    protected MadeCertificate CertificateOf(string name) => Known(name).Certificate;

    [SetUp]
    public async Task EnableAsync()
    {
        _known.Clear();
        await DoAsync(new EnableAuthCommand(Admin));
        Assert.That(Node.Policy.IsEnabled, Is.True);
    }

    /// <summary>As the administrator, past the server.</summary>
    protected async Task DoAsync(Command command)
    {
        var answer = await Node.ExecuteAsync(new CommandEnvelope(command) { Principal = Admin }, CancellationToken.None);
        Assert.That(answer.Outcome, Is.Not.InstanceOf<Forbidden>().And.Not.InstanceOf<PolicyRefused>());
    }

    /// <summary>Gives somebody one role of its own, with these rules and no others.</summary>
    protected async Task AllowAsync(string name, params AccessRule[] rules)
    {
        await DoAsync(new PutRoleCommand(name + "-role", [.. rules]));
        await BindAsync(name, name + "-role");
    }

    protected Task BindAsync(string name, params string[] roles) => DoAsync(new PutPrincipalCommand(name, [.. roles], IsDisabled: false));

    protected static AccessRule Prefix(Verbs verbs, Spaces spaces, string prefix) =>
        new(verbs, spaces, Key.FromText(prefix), IsPrefix: true);

    protected static AccessRule Name(Verbs verbs, Spaces spaces, string name) => new(verbs, spaces, Key.FromText(name), IsPrefix: false);

    protected async Task<Told> AskAsync(
        string who, string method, string target, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), target)
        {
            Content = body is null ? null : new StringContent(body),
            Version = HttpVersion.Version11,
        };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        var response = await As(who).SendAsync(request);
        return new Told((int)response.StatusCode, await response.Content.ReadAsStringAsync(), response);
    }

    /// <summary>It is done, or told.</summary>
    protected async Task<Told> DoneAsync(
        string who, string method, string target, string? body = null, params (string Name, string Value)[] headers)
    {
        var told = await AskAsync(who, method, target, body, headers);
        Assert.That(told.Status, Is.InRange(200, 299), $"{method} {target}: {told.Body}");
        return told;
    }

    /// <summary>It is refused for want of a right, and nothing is done.</summary>
    protected async Task<Told> ForbiddenAsync(
        string who, string method, string target, string? body = null, params (string Name, string Value)[] headers)
    {
        var (revision, policy) = (Node.View.Revision, Node.Policy.Revision);
        var told = await AskAsync(who, method, target, body, headers);
        Assert.That((told.Status, told.Type), Is.EqualTo((403, ProblemTypes.Forbidden.Uri)), $"{method} {target}: {told.Body}");
        Assert.That((Node.View.Revision, Node.Policy.Revision), Is.EqualTo((revision, policy)), $"{method} {target} did something");
        return told;
    }

    private (MadeCertificate Certificate, HttpClient Client) Known(string name)
    {
        if (!_known.TryGetValue(name, out var known))
        {
            var certificate = Client(name);
            _known[name] = known = (certificate, Library(certificate));
        }
        return known;
    }
}
