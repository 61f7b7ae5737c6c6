using Consensus.Security.Tokens;
using Consensus.StateMachine.Policies;
using Microsoft.Extensions.Primitives;

namespace Consensus.Server.Tokens;

/// <summary>
/// Who an <c>Authorization</c> header makes of its sender, by the newest policy that this member has applied and by its own clock. And
/// which requests stand on such: those end when their token does. Thread-safe.
/// </summary>
/// <param name="time">The time of day, by which tokens end.</param>
/// <param name="clock">Counts how often guesses come.</param>
internal sealed class TokenJudge(TimeProvider time, TimeProvider clock)
{
    /// <summary>How often it is looked whether what stands still may.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    private const string Scheme = "Bearer ";

    private readonly Lock _gate = new();

    /// <summary>Waits and streams, with the header that each came with.</summary>
    private readonly Dictionary<HttpContext, string> _standing = [];
    private volatile Func<Policy>? _policy;

    /// <summary>Attempts with a credential that is none.</summary>
    public FailedCredentials Failures { get; } = new(clock);

    /// <summary>The time of day by which tokens are judged.</summary>
    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>From here on there is a policy; before, nobody is known.</summary>
    public void Follow(Func<Policy> policy) => _policy = policy;

    /// <summary>
    /// Judges the header of a request. It costs a comparison where the connection has shown the same before and nothing has changed:
    /// the server gives an equal header of the same connection the same text.
    /// </summary>
    /// <param name="headers">As they came, one at least.</param>
    /// <param name="memory">Of the connection; null: nothing is remembered.</param>
    /// <param name="by">Null: the newest policy that this member has applied.</param>
    public TokenVerdict Judge(StringValues headers, ConnectionTokens? memory, Policy? by = null)
    {
        if (headers is not [{ } header] || (by ?? _policy?.Invoke()) is not { } policy)
        {
            return TokenVerdict.Nobody;
        }
        var seen = memory?.Seen;
        if (seen is null || !ReferenceEquals(seen.Header, header) || !ReferenceEquals(seen.Policy, policy))
        {
            seen = Look(header, policy, seen);
            if (seen is null)
            {
                return TokenVerdict.Nobody;
            }
            memory?.Seen = seen;
        }
        return time.GetUtcNow().ToUnixTimeSeconds() < seen.Token.NotAfter
            ? new TokenVerdict(seen.Token, "")
            : new TokenVerdict(
                null,
                $"the token {seen.Token.Id} expired on {DateTimeOffset.FromUnixTimeSeconds(seen.Token.NotAfter):yyyy-MM-dd HH:mm} UTC: "
                + "consensusctl auth token create makes another");
    }

    /// <summary>Whether the connection has shown this header before, and it was somebody: then it is no attempt at a secret.</summary>
    public static bool HasSeen(StringValues headers, ConnectionTokens? memory) =>
        headers is [{ } header] && memory?.Seen is { } seen && ReferenceEquals(seen.Header, header);

    /// <summary>
    /// Whether the header has the form of a token and is nobody's by what this member has applied: it may be behind the one that was told of it.
    /// </summary>
    public bool IsUnheardOf(StringValues headers) =>
        headers is [{ } header] && _policy?.Invoke() is { } policy && Look(header, policy, null) is null && ShownIn(header) is not null;

    /// <summary>From here on the request stands, until it is taken away.</summary>
    public void Begin(HttpContext http, string header)
    {
        lock (_gate)
        {
            _standing[http] = header;
        }
        // What ended since it was let in has been looked for without it.
        if (Judge(header, ConnectionTokens.Of(http)).Token is null)
        {
            http.Abort();
        }
    }

    public void End(HttpContext http)
    {
        lock (_gate)
        {
            // The context is another request's after this.
            _standing.Remove(http);
        }
    }

    /// <summary>Ends what stands on a token that is none any more. To be called now and then: the time of a token is over by itself.</summary>
    public void Look()
    {
        lock (_gate)
        {
            var over = _standing.Where(static standing => ConnectionTokens.Of(standing.Key) is { Judge: var judge } memory
                && judge.Judge(standing.Value, memory).Token is null);
            foreach (var (http, _) in over.ToList())
            {
                http.Abort();
            }
        }
    }

    /// <summary>What the header says under the policy; null: nothing that is somebody's.</summary>
    private static SeenToken? Look(string header, Policy policy, SeenToken? before)
    {
        var shown = before?.Header == header ? before.Shown : ShownIn(header);
        if (shown is null)
        {
            return null;
        }
        var token = policy.FindToken(shown.Id);
        // As long for an id that there is not as for one that there is.
        var isItsSecret = shown.HasSecretOf(token is null ? NoSecret : token.Secret.Bytes);
        return token is not null && isItsSecret ? new SeenToken(header, shown, policy, token) : null;
    }

    private static BearerToken? ShownIn(string header) =>
        header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && BearerToken.TryParse(header.AsSpan(Scheme.Length), out var shown)
            ? shown
            : null;

    private static ReadOnlySpan<byte> NoSecret => "no SHA-256 is these thirty-two ones"u8[..PolicyNames.SecretBytes];
}
