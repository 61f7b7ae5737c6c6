using System.Text.Json.Nodes;
using Consensus.Security.Tests.Access;
using Consensus.Server.WebTokens;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;

namespace Consensus.Security.Tests.WebTokens;

/// <summary>A test whose callers show JSON Web Tokens of an issuer, over TLS and without certificates.</summary>
internal abstract class WebTokenTest : TokenTest
{
    protected const string NotValid = "the credential is not valid";

    protected static readonly AccessRule Everything = Prefix(Verbs.Read | Verbs.Write | Verbs.Hold, Spaces.Keys | Spaces.Locks, "");

    private TemporaryDirectory _directory = null!;
    private WebTokenReload? _reload;

    protected TokenMaker Maker { get; private set; } = null!;

    protected WebTokenReload Reload => _reload!;

    protected override WebTokenReload? WebTokens
    {
        get
        {
            (_directory, Maker) = (new TemporaryDirectory(), new TokenMaker());
            Write(Maker.KeySet());
            Put("issuers.json", new JsonArray(TokenMaker.Description()).ToJsonString());
            return _reload = WebTokenReload.Open(Path.Combine(_directory.Path, "issuers.json"), Clock);
        }
    }

    [SetUp]
    public async Task BindWorkloadsAsync()
    {
        await DoAsync(new PutRoleCommand("apps", [Everything]));
        await BindAsync("k8s:system:serviceaccount:prod:*", "apps");
    }

    [TearDown]
    public void Remove()
    {
        _reload?.Dispose();
        _directory.Dispose();
        Maker.Dispose();
    }

    /// <summary>By one rename, as a mounted file is replaced.</summary>
    protected void Put(string name, string text)
    {
        var path = Path.Combine(_directory.Path, name);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    protected void Remove(string name) => File.Delete(Path.Combine(_directory.Path, name));

    protected void Write(JsonNode keys) => Put("jwks.json", keys.ToJsonString());

    protected static JsonObject Keys(params JsonNode[] keys) => new() { ["keys"] = new JsonArray([.. keys]) };

    protected JsonObject Claims(params (string Name, JsonNode? Value)[] changed)
    {
        var claims = TokenMaker.Claims(Time.GetUtcNow());
        foreach (var (name, value) in changed)
        {
            claims[name] = value;
        }
        return claims;
    }

    /// <summary>A good one, but for what is changed in its claims.</summary>
    protected string Jwt(params (string Name, JsonNode? Value)[] changed) => Maker.Sign(TokenMaker.Header(), Claims(changed));

    protected static string Shown(string jwt) => $"Authorization: Bearer {jwt}";

    protected HttpClient WithJwt(string jwt, string version = "1.1")
    {
        var client = Library(null, Version.Parse(version));
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer " + jwt);
        return client;
    }
}
