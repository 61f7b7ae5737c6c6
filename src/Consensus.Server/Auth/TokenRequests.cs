using Consensus.Server.Json;

namespace Consensus.Server.Auth;

/// <summary>What is asked for of a token that is to be made.</summary>
/// <param name="Hash">Of its secret; null: not given.</param>
/// <param name="Principal">Null: it is made with the token that is asked with, and of the same.</param>
/// <param name="TtlMicros">Null: as long as is usual.</param>
internal readonly record struct TokenRequest(string? Hash, string? Principal, long? TtlMicros)
{
    private const long MicrosOfASecond = 1_000_000;

    /// <summary>In whole seconds, which a token is counted in; null: as long as is usual.</summary>
    public long? TtlSeconds => TtlMicros / MicrosOfASecond;

    /// <summary><c>{"hash":"…","principal":"svc","ttl":"90d"}</c>, or nothing.</summary>
    /// <param name="refusal">A sentence when the body is refused.</param>
    public static TokenRequest Read(ReadOnlyMemory<byte> body, out string? refusal)
    {
        refusal = null;
        if (body.IsEmpty)
        {
            return default;
        }
        var json = new StrictObjectReader(body);
        string? hash = null, principal = null;
        long? ttl = null;
        while (json.NextField())
        {
            if (json.Is("hash"u8, 0))
            {
                hash = json.Text();
            }
            else if (json.Is("principal"u8, 1))
            {
                principal = json.Text();
            }
            else if (json.Is("ttl"u8, 2))
            {
                ttl = json.DurationMicros();
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (ttl < MicrosOfASecond ? "the field \"ttl\" is below 1s, the shortest that a token is good for" : null);
        return new TokenRequest(hash, principal, ttl);
    }
}
