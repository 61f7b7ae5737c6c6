using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Consensus.Server.WebTokens;

/// <summary>
/// Judges JSON Web Tokens (RFC 7519) by one set of issuers. Everything about a token but its signature is checked here and in one way only;
/// the library, which is asked last, verifies the signature by the one key that the token names, and checks the rest once more. Immutable
/// but for what it remembers of tokens that were good; thread-safe.
/// </summary>
/// <param name="issuers">Whom to believe. Another set is another judge, which remembers nothing of this one.</param>
internal sealed class WebTokenJudge(IReadOnlyList<WebTokenIssuer> issuers)
{
    /// <summary>A longer token is refused unread.</summary>
    public const int MostCharacters = 8 * 1024;

    /// <summary>
    /// UTF-8 bytes of a principal, which is what names of principals may have. It ends where a policy's name would.
    /// </summary>
    public const int MostPrincipalBytes = 256;

    /// <summary>For clocks that are not quite the issuer's.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    /// <summary>A token is for at most so long: nothing else ends one that was stolen.</summary>
    public static readonly TimeSpan LongestLife = TimeSpan.FromHours(24);

    /// <summary>Tokens that were good and are remembered by their SHA-256; 300 to 700 bytes each.</summary>
    public const int MostRemembered = 10_000;

    private const int MostHeaderBytes = 2 * 1024;

    private static readonly JsonWebTokenHandler Library = new() { SetDefaultTimesOnTokenCreation = false, MaximumTokenSizeInBytes = 2 * MostCharacters };

    private readonly Lock _gate = new();
    private readonly Dictionary<Digest, WebTokenVerdict> _known = [];
    private readonly Queue<Digest> _order = new();

    private readonly record struct Digest(long A, long B, long C, long D);

    /// <summary>Whom it believes.</summary>
    internal IReadOnlyList<WebTokenIssuer> Issuers => issuers;

    /// <summary>How many are remembered.</summary>
    internal int Remembered
    {
        get
        {
            lock (_gate)
            {
                return _known.Count;
            }
        }
    }

    /// <summary>Whose a token is at this time.</summary>
    /// <param name="token">As it was sent, without the scheme.</param>
    /// <param name="now">The time of day.</param>
    public WebTokenVerdict Judge(ReadOnlySpan<char> token, DateTimeOffset now)
    {
        if (token.Length > MostCharacters || !IsThreeParts(token, out var header, out var payload))
        {
            return WebTokenVerdict.Nobody;
        }
        var digest = DigestOf(token);
        if (Recall(digest) is not { } verdict)
        {
            verdict = Look(token.ToString(), header, payload, now);
            if (verdict.Principal is not null)
            {
                // Also one whose time is over: else it costs a look at its signature each time, and guesses nothing.
                Remember(digest, verdict);
            }
        }
        return verdict.Principal is null || now < verdict.Until ? verdict : verdict with { HasExpired = true };
    }

    /// <summary>An encrypted token has five parts, and may be much larger than it looks: it is not opened.</summary>
    private static bool IsThreeParts(ReadOnlySpan<char> token, out byte[] header, out byte[] payload)
    {
        (header, payload) = ([], []);
        var first = token.IndexOf('.');
        var second = first < 0 ? -1 : token[(first + 1)..].IndexOf('.');
        if (second < 0)
        {
            return false;
        }
        var head = token[..first];
        var body = token[(first + 1)..][..second];
        var signature = token[(first + second + 2)..];
        return WebTokenText.TryDecode(head, out header)
            && header.Length is > 0 and <= MostHeaderBytes
            && WebTokenText.TryDecode(body, out payload)
            && WebTokenText.TryDecode(signature, out var signed)
            && signed.Length > 0;
    }

    private WebTokenVerdict Look(string token, byte[] header, byte[] payload, DateTimeOffset now)
    {
        using var head = WebTokenText.ReadObject(header);
        using var body = WebTokenText.ReadObject(payload);
        if (head is null || body is null || IssuerOf(body.RootElement) is not { } issuer || KeyOf(head.RootElement, issuer) is not { } key)
        {
            return WebTokenVerdict.Nobody;
        }
        var algorithm = Text(head.RootElement, "alg")!;
        var claims = body.RootElement;
        if (!IsFor(claims, issuer.Audience)
            || PrincipalOf(claims, issuer) is not { } principal
            || Time(claims, "exp") is not { } ends
            || !IsInTime(claims, ends, now)
            || !IsSigned(token, issuer, key, algorithm))
        {
            return WebTokenVerdict.Nobody;
        }
        var until = ends + Skew;
        return new WebTokenVerdict(principal, issuer.Name, until, now >= until);
    }

    private WebTokenIssuer? IssuerOf(JsonElement claims) => Text(claims, "iss") is { } said
        ? issuers.FirstOrDefault(issuer => issuer.Issuer == said)
        : null;

    /// <summary>The one key that the header names, for the algorithm that it names; null where anything about that is not plain.</summary>
    private static WebTokenKey? KeyOf(JsonElement header, WebTokenIssuer issuer)
    {
        foreach (var member in header.EnumerateObject())
        {
            // What else there is would bring a key, an address of one, a compression, or a rule that a reader must know (RFC 7515 §4.1).
            if (member.Name is not ("alg" or "kid" or "typ") || member.Value.ValueKind != JsonValueKind.String)
            {
                return null;
            }
        }
        if (Text(header, "typ") is { } type && !type.Equals("JWT", StringComparison.OrdinalIgnoreCase)
            && !type.Equals("at+jwt", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }
        return Text(header, "alg") is { } algorithm
            && issuer.Algorithms.Contains(algorithm)
            && Text(header, "kid") is { } id
            && issuer.Keys.TryGetValue(id, out var key)
            && WebTokenAlgorithms.Fits(algorithm, key)
            && (key.Algorithm is null || key.Algorithm == algorithm)
            ? key
            : null;
    }

    private static bool IsFor(JsonElement claims, string audience)
    {
        if (!claims.TryGetProperty("aud", out var said))
        {
            return false;
        }
        return said.ValueKind switch
        {
            JsonValueKind.String => said.ValueEquals(audience),
            JsonValueKind.Array => said.EnumerateArray().All(static one => one.ValueKind == JsonValueKind.String)
                && said.EnumerateArray().Any(one => one.ValueEquals(audience)),
            _ => false,
        };
    }

    /// <summary>
    /// Visible characters only: a name stands in entries of the log between separators, in lines of a log, and in rules where a star at the
    /// end means all that begin alike.
    /// </summary>
    private static string? PrincipalOf(JsonElement claims, WebTokenIssuer issuer)
    {
        if (Text(claims, "sub") is not { Length: > 0 } subject || subject.AsSpan().ContainsAnyExceptInRange('!', '~') || subject.Contains('*'))
        {
            return null;
        }
        var principal = $"{issuer.Name}:{subject}";
        return Encoding.UTF8.GetByteCount(principal) <= MostPrincipalBytes ? principal : null;
    }

    private static bool IsInTime(JsonElement claims, DateTimeOffset ends, DateTimeOffset now)
    {
        if (ends - now > LongestLife + Skew)
        {
            return false;
        }
        foreach (var name in (ReadOnlySpan<string>)["nbf", "iat"])
        {
            if (claims.TryGetProperty(name, out _) && !(Time(claims, name) is { } begins && begins - now <= Skew))
            {
                return false;
            }
        }
        return true;
    }

    private static DateTimeOffset? Time(JsonElement claims, string name)
    {
        // To the end of the year 9999, less what is added to it.
        const double Latest = 253_370_764_800;
        return claims.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var seconds) && seconds is >= 0 and <= Latest
            ? DateTimeOffset.UnixEpoch.AddSeconds(Math.Floor(seconds))
            : null;
    }

    private static bool IsSigned(string token, WebTokenIssuer issuer, WebTokenKey key, string algorithm)
    {
        var wanted = new TokenValidationParameters
        {
            ValidAlgorithms = [algorithm],
            ValidIssuer = issuer.Issuer,
            ValidAudience = issuer.Audience,
            IssuerSigningKeys = [key.Key],
            TryAllIssuerSigningKeys = false,
            RequireSignedTokens = true,
            RequireExpirationTime = true,

            // By our time of day, above, where tests have one of their own.
            ValidateLifetime = false,
        };
        var read = Library.ValidateTokenAsync(token, wanted);

        // With keys that are here it waits for nothing.
        return read.GetAwaiter().GetResult().IsValid;
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static Digest DigestOf(ReadOnlySpan<char> token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(token), hash);
        var parts = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(hash);
        return new Digest(parts[0], parts[1], parts[2], parts[3]);
    }

    private WebTokenVerdict? Recall(Digest digest)
    {
        lock (_gate)
        {
            return _known.TryGetValue(digest, out var verdict) ? verdict : null;
        }
    }

    private void Remember(Digest digest, WebTokenVerdict verdict)
    {
        lock (_gate)
        {
            if (!_known.TryAdd(digest, verdict))
            {
                return;
            }
            _order.Enqueue(digest);
            if (_known.Count > MostRemembered)
            {
                _known.Remove(_order.Dequeue());
            }
        }
    }
}
