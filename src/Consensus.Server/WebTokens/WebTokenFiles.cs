using System.Collections.Frozen;
using System.Text.Json;

namespace Consensus.Server.WebTokens;

/// <summary>
/// Reads who is believed, from a file of issuers and the key sets that it names. Nothing is fetched: a file says it, or nobody does, so
/// that no token can make anybody dial.
/// </summary>
internal static class WebTokenFiles
{
    /// <summary>Of each file.</summary>
    public const int MostBytes = 1 << 20;

    /// <summary>Issuers in one file.</summary>
    public const int MostIssuers = 16;

    /// <summary>Keys of one issuer.</summary>
    public const int MostKeys = 100;

    /// <summary>Their names would be taken for another source of principals.</summary>
    private static readonly FrozenSet<string> Reserved = FrozenSet.Create(StringComparer.Ordinal, "uri", "cn", "local", "anonymous", "admin");

    private static readonly FrozenSet<string> Members =
        FrozenSet.Create(StringComparer.Ordinal, "name", "issuer", "audience", "jwks", "algorithms");

    /// <summary>Reads the file and every key set in it. A set's path is taken from the file's directory.</summary>
    /// <param name="path">Of the JSON list of issuers.</param>
    /// <param name="label">What a sentence calls it, for example <c>--jwt issuers.json</c>.</param>
    /// <param name="read">A file's bytes, at most so many and one more; throws as the file system does.</param>
    /// <exception cref="WebTokenException">One of them cannot be used.</exception>
    public static IReadOnlyList<WebTokenIssuer> Load(string path, string label, Func<string, int, byte[]> read)
    {
        using var document = Parse(Bytes(path, label, read), label);
        if (document.RootElement.ValueKind != JsonValueKind.Array || document.RootElement.GetArrayLength() is 0 or > MostIssuers)
        {
            throw new WebTokenException($"{label}: it is no list of 1 to {MostIssuers} issuers");
        }
        var issuers = new List<WebTokenIssuer>();
        foreach (var json in document.RootElement.EnumerateArray())
        {
            var issuer = ReadIssuer(json, path, label, read);
            if (issuers.Exists(other => other.Name == issuer.Name))
            {
                throw new WebTokenException($"{label}: the name {issuer.Name} stands there twice");
            }
            if (issuers.Exists(other => other.Issuer == issuer.Issuer))
            {
                throw new WebTokenException($"{label}: {issuer.Name} is of the same issuer as another, and one token would be two principals");
            }
            issuers.Add(issuer);
        }
        return issuers;
    }

    private static WebTokenIssuer ReadIssuer(JsonElement json, string path, string label, Func<string, int, byte[]> read)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new WebTokenException($"{label}: an issuer is an object with name, issuer, audience, jwks and algorithms");
        }
        if (json.EnumerateObject().Select(static member => member.Name).FirstOrDefault(static name => !Members.Contains(name)) is { } unknown)
        {
            throw new WebTokenException($"{label}: {Shown(unknown)} is nothing that an issuer has: name, issuer, audience, jwks, algorithms");
        }
        var name = Text(json, "name", label);
        if (name.Length > 32 || name.AsSpan().ContainsAnyExcept(NameCharacters))
        {
            throw new WebTokenException($"{label}: the name {Shown(name)} is not 1 to 32 of a-z, 0-9 and -");
        }
        if (Reserved.Contains(name))
        {
            throw new WebTokenException($"{label}: an issuer called {name} would make principals that another source makes");
        }
        var (issuer, audience) = (Text(json, "issuer", label), Text(json, "audience", label));
        if (issuer.Length > 1024 || audience.Length > 1024)
        {
            throw new WebTokenException($"{label}: issuer or audience of {name} is longer than 1024 characters");
        }
        var keys = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, Text(json, "jwks", label));
        return new WebTokenIssuer(name, issuer, audience, Algorithms(json, name, label), ReadKeys(keys, label, read));
    }

    private static string[] Algorithms(JsonElement json, string name, string label)
    {
        if (!json.TryGetProperty("algorithms", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() is 0 or > 16)
        {
            throw new WebTokenException($"{label}: {name} lacks its list of algorithms, such as [\"RS256\"]");
        }
        var algorithms = new List<string>();
        foreach (var item in list.EnumerateArray())
        {
            var algorithm = item.ValueKind == JsonValueKind.String ? item.GetString()! : "";
            if (!WebTokenAlgorithms.All.Contains(algorithm))
            {
                throw new WebTokenException(
                    $"{label}: {name} names the algorithm {Shown(algorithm)}; there are {string.Join(", ", WebTokenAlgorithms.All)}");
            }
            algorithms.Add(algorithm);
        }
        return [.. algorithms.Distinct()];
    }

    private static FrozenDictionary<string, WebTokenKey> ReadKeys(string path, string label, Func<string, int, byte[]> read)
    {
        var named = $"{label}: {path}";
        using var document = Parse(Bytes(path, named, read), named);
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("keys", out var list)
            || list.ValueKind != JsonValueKind.Array
            || list.GetArrayLength() > MostKeys)
        {
            throw new WebTokenException($"{named}: it is no key set (RFC 7517) of at most {MostKeys} keys");
        }
        var keys = new Dictionary<string, WebTokenKey>(StringComparer.Ordinal);
        var number = 0;
        foreach (var json in list.EnumerateArray())
        {
            number++;
            var key = ReadKey(json, number, named);
            if (key is not null && !keys.TryAdd(key.Id, key))
            {
                throw new WebTokenException($"{named}: two keys have the kid {Shown(key.Id)}");
            }
        }
        if (keys.Count == 0)
        {
            throw new WebTokenException($"{named}: it has no public key of RSA or of P-256, P-384 or P-521 that is for signatures");
        }
        return keys.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static WebTokenKey? ReadKey(JsonElement json, int number, string named)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new WebTokenException($"{named}: key {number} is no object");
        }
        try
        {
            return WebTokenKey.Read(json);
        }
        catch (FormatException e)
        {
            throw new WebTokenException($"{named}: key {number} cannot be used: {e.Message}", e);
        }
    }

    private static string Text(JsonElement json, string name, string label) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw new WebTokenException($"{label}: an issuer lacks its {name}, or it is no text");

    private static byte[] Bytes(string path, string label, Func<string, int, byte[]> read)
    {
        try
        {
            var bytes = read(path, MostBytes);
            return bytes.Length <= MostBytes ? bytes : throw new WebTokenException($"{label}: it is larger than {MostBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new WebTokenException($"{label}: {e.Message.TrimEnd('.')}", e);
        }
    }

    private static JsonDocument Parse(byte[] bytes, string label) => WebTokenText.Read(bytes)
        ?? throw new WebTokenException($"{label}: it is no JSON, or has a name twice in one object");

    /// <summary>As it may stand in a line of a log: short, and without what a terminal would take for an order.</summary>
    private static string Shown(string text) =>
        $"'{string.Concat(text.Take(64).Select(static c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c))}'";

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");
}
