using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Consensus.Server.WebTokens;

/// <summary>The public half of a key that signs tokens.</summary>
internal sealed class WebTokenKey
{
    /// <summary>Below this a key of RSA is refused (NIST SP 800-131A).</summary>
    private const int LeastRsaBits = 2048;

    /// <summary>A larger one takes long to verify with, whoever sends the signature.</summary>
    private const int MostRsaBits = 8192;

    private WebTokenKey(string id, string? algorithm, string? curve, SecurityKey key) =>
        (Id, Algorithm, Curve, Key) = (id, algorithm, curve, key);

    /// <summary>Its <c>kid</c>.</summary>
    public string Id { get; }

    /// <summary>The only one that it is for; null where its <c>alg</c> is not said.</summary>
    public string? Algorithm { get; }

    /// <summary>Null: of RSA.</summary>
    internal string? Curve { get; }

    internal SecurityKey Key { get; }

    /// <summary>One key of a set, RFC 7517.</summary>
    /// <returns>Null: it is for something else than signatures, or of a kind that is not taken.</returns>
    /// <exception cref="FormatException">It is damaged, too weak, or private; one sentence that begins with "its".</exception>
    internal static WebTokenKey? Read(JsonElement json)
    {
        var kind = Text(json, "kty") ?? throw new FormatException("its kty is missing");
        if (json.TryGetProperty("d", out _) || json.TryGetProperty("k", out _))
        {
            throw new FormatException("its private half stands there too, which belongs to nobody but its issuer");
        }
        if (Text(json, "use") is { } use && use != "sig")
        {
            return null;
        }
        var id = Text(json, "kid") ?? throw new FormatException("its kid is missing");
        if (id.Length is 0 or > 256)
        {
            throw new FormatException("its kid is empty, or longer than 256 characters");
        }
        var algorithm = Text(json, "alg");
        try
        {
            return kind switch
            {
                "RSA" => OfRsa(json, id, algorithm),
                "EC" => OfCurve(json, id, algorithm),
                _ => null,
            };
        }
        catch (CryptographicException e)
        {
            throw new FormatException("its numbers are those of no key", e);
        }
    }

    private static WebTokenKey OfRsa(JsonElement json, string id, string? algorithm)
    {
        var numbers = new RSAParameters { Modulus = Bytes(json, "n"), Exponent = Bytes(json, "e") };
        var rsa = RSA.Create(numbers);
        if (rsa.KeySize is < LeastRsaBits or > MostRsaBits)
        {
            throw new FormatException($"its modulus has {rsa.KeySize} bits, and {LeastRsaBits} to {MostRsaBits} are taken");
        }
        return new WebTokenKey(id, algorithm, null, new RsaSecurityKey(rsa) { KeyId = id });
    }

    private static WebTokenKey? OfCurve(JsonElement json, string id, string? algorithm)
    {
        var name = Text(json, "crv");
        var curve = name switch
        {
            "P-256" => ECCurve.NamedCurves.nistP256,
            "P-384" => ECCurve.NamedCurves.nistP384,
            "P-521" => ECCurve.NamedCurves.nistP521,
            _ => default(ECCurve?),
        };
        if (curve is not { } known)
        {
            return null;
        }
        var point = new ECPoint { X = Bytes(json, "x"), Y = Bytes(json, "y") };
        var key = ECDsa.Create(new ECParameters { Curve = known, Q = point });
        return new WebTokenKey(id, algorithm, name, new ECDsaSecurityKey(key) { KeyId = id });
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value)
        ? value.ValueKind == JsonValueKind.String ? value.GetString() : throw new FormatException($"its {name} is no text")
        : null;

    private static byte[] Bytes(JsonElement json, string name) =>
        WebTokenText.TryDecode(Text(json, name) ?? throw new FormatException($"its {name} is missing"), out var bytes) && bytes.Length > 0
            ? bytes
            : throw new FormatException($"its {name} is no base64url");
}
