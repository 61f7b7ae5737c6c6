using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Consensus.Server.WebTokens;

namespace Consensus.Security.Tests.WebTokens;

/// <summary>An issuer of a test, who signs whatever he is asked to.</summary>
internal sealed class TokenMaker : IDisposable
{
    public const string Issuer = "https://kubernetes.default.svc";
    public const string Audience = "consensus";
    public const string Subject = "system:serviceaccount:prod:billing";

    public RSA Rsa { get; } = RSA.Create(2048);

    public ECDsa Curve { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public JsonObject RsaKey(string id = "r1")
    {
        var numbers = Rsa.ExportParameters(false);
        return new JsonObject
        {
            ["kty"] = "RSA",
            ["kid"] = id,
            ["use"] = "sig",
            ["n"] = Base64Url.EncodeToString(numbers.Modulus),
            ["e"] = Base64Url.EncodeToString(numbers.Exponent)
        };
    }

    public JsonObject CurveKey(string id = "e1")
    {
        var point = Curve.ExportParameters(false).Q;
        return new JsonObject
        {
            ["kty"] = "EC",
            ["kid"] = id,
            ["crv"] = "P-256",
            ["x"] = Base64Url.EncodeToString(point.X),
            ["y"] = Base64Url.EncodeToString(point.Y)
        };
    }

    public static JsonObject Description(string name = "k8s") => new()
    {
        ["name"] = name,
        ["issuer"] = Issuer,
        ["audience"] = Audience,
        ["jwks"] = "jwks.json",
        ["algorithms"] = new JsonArray("RS256", "ES256"),
    };

    public JsonObject KeySet() => new() { ["keys"] = new JsonArray(RsaKey(), CurveKey()) };

    public WebTokenJudge Judge() => new(Load(new JsonArray(Description()), KeySet()));

    public static IReadOnlyList<WebTokenIssuer> Load(JsonNode issuers, JsonNode keys) =>
        LoadText(issuers.ToJsonString(), keys.ToJsonString());

    public static IReadOnlyList<WebTokenIssuer> LoadText(string issuers, string keys) =>
        WebTokenFiles.Load("/config/issuers.json", "--jwt issuers.json", (path, _) => path switch
        {
            "/config/issuers.json" => Encoding.UTF8.GetBytes(issuers),
            "/config/jwks.json" => Encoding.UTF8.GetBytes(keys),
            _ => throw new FileNotFoundException($"there is no {path}."),
        });

    public static JsonObject Header(string algorithm = "RS256", string id = "r1") =>
        new() { ["alg"] = algorithm, ["kid"] = id, ["typ"] = "JWT" };

    public static JsonObject Claims(DateTimeOffset now) => new()
    {
        ["iss"] = Issuer,
        ["aud"] = new JsonArray(Audience),
        ["sub"] = Subject,
        ["iat"] = now.ToUnixTimeSeconds(),
        ["nbf"] = now.ToUnixTimeSeconds(),
        ["exp"] = now.AddHours(1).ToUnixTimeSeconds(),
    };

    public string Sign(JsonNode header, JsonNode claims) => SignText(header.ToJsonString(), claims.ToJsonString());

    /// <summary>The signature goes by the kid: e1 by the curve, all others by RSA.</summary>
    public string SignText(string header, string claims)
    {
        var signed = $"{Encode(header)}.{Encode(claims)}";
        var bytes = Encoding.ASCII.GetBytes(signed);
        var signature = header.Contains("\"e1\"", StringComparison.Ordinal)
            ? Curve.SignData(bytes, HashAlgorithmName.SHA256)
            : Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    public static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    public void Dispose()
    {
        Rsa.Dispose();
        Curve.Dispose();
    }
}
