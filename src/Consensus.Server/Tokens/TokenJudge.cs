using Consensus.Security.Tokens;
using Consensus.Server.WebTokens;
using Consensus.StateMachine.Policies;
using Microsoft.Extensions.Primitives;

namespace Consensus.Server.Tokens;

/// <summary>
/// Who an <c>Authorization</c> header makes of its sender, by the newest policy that this member has applied and by its own clock. And
/// which requests stand on such: those end when their token does. Thread-safe.
/// </summary>
/// <param name="time">The time of day, by which tokens end.</param>
/// <param name="clock">Counts how often guesses come.</param>
/// <param name="webTokens">Whose JSON Web Tokens are believed; null: nobody's.</param>
internal sealed class TokenJudge(TimeProvider time, TimeProvider clock, WebTokenReload? webTokens = null)
{
    /// <summary>How often it is looked whether what stands still may.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    private const string Scheme = "Bearer ";

    private readonly Lock _gate = new();

    /// <summary>Waits and streams, with the header that each came with.</summary>
    private readonly Dictionary<HttpContext, string> _standing = [];
    private volatile Func<Policy>? _policy;

    /// <summary>By whom what stands was looked at last.</summary>
    private volatile WebTokenJudge? _lookedBy;

    /// <summary>Attempts with a credential that is none.</summary>
    public FailedCredentials Failures { get; } = new(clock);

    /// <summary>Whose JSON Web Tokens are believed; null: nobody's.</summary>
    public WebTokenReload? WebTokens => webTokens;

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
        var (seen, web) = (memory?.Seen, webTokens?.Judge);
        if (seen is null || !ReferenceEquals(seen.Header, header) || !seen.IsOf(policy, web))
        {
            seen = Look(header, policy, web, seen);
            if (seen is null)
            {
                return TokenVerdict.Nobody;
            }
            memory?.Seen = seen;
        }
        return time.GetUtcNow().ToUnixTimeSeconds() < seen.NotAfter ? new TokenVerdict(seen.Actor, "") : new TokenVerdict(null, Over(seen));
    }

    /// <summary>Whether the connection has shown this header before, and it was somebody: then it is no attempt at a secret.</summary>
    public static bool HasSeen(StringValues headers, ConnectionTokens? memory) =>
        headers is [{ } header] && memory?.Seen is { } seen && ReferenceEquals(seen.Header, header);

    /// <summary>
    /// Whether the header has the form of the cluster's own tokens and is nobody's by what this member has applied: it may be behind the one
    /// that was told of it. Of a JSON Web Token the cluster knows no more than this member does.
    /// </summary>
    public bool IsUnheardOf(StringValues headers) =>
        headers is [{ } header] && ShownIn(header) is { } shown && _policy?.Invoke() is { } policy && OfPolicy(header, shown, policy) is null;

    /// <summary>From here on the request stands, until it is taken away.</summary>
    public void Begin(HttpContext http, string header)
    {
        lock (_gate)
        {
            _standing[http] = header;
        }
        // What ended since it was let in has been looked for without it.
        if (Judge(header, ConnectionTokens.Of(http)).Actor is null)
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

    /// <summary>
    /// Ends what stands on a token that is none any more. To be called now and then, for the time of a token is over by itself, and when
    /// other issuers or keys are believed.
    /// </summary>
    public void Look()
    {
        if (webTokens?.Judge is { } web && web != _lookedBy)
        {
            // It verifies the signature of each, 60 µs or so, and remembers it: not while every request that begins waits.
            foreach (var header in Headers().Distinct())
            {
                Judge(header, null);
            }
            _lookedBy = web;
        }
        lock (_gate)
        {
            var over = _standing.Where(static standing => ConnectionTokens.Of(standing.Key) is { Judge: var judge } memory
                && judge.Judge(standing.Value, memory).Actor is null);
            foreach (var (http, _) in over.ToList())
            {
                http.Abort();
            }
        }
    }

    private static string Over(SeenToken seen)
    {
        var (named, remedy) = seen.Shown is { } shown
            ? ($"the token {shown.Id}", "consensusctl auth token create makes another")
            : ($"the token of {seen.Actor.Name}", "its issuer makes another");
        return $"{named} expired on {DateTimeOffset.FromUnixTimeSeconds(seen.NotAfter):yyyy-MM-dd HH:mm} UTC: {remedy}";
    }

    private string[] Headers()
    {
        lock (_gate)
        {
            return [.. _standing.Values];
        }
    }

    /// <summary>What the header says to those who judge now; null: nothing that is somebody's.</summary>
    private SeenToken? Look(string header, Policy policy, WebTokenJudge? web, SeenToken? before)
    {
        var shown = before?.Header == header ? before.Shown : ShownIn(header);
        if (shown is not null)
        {
            return OfPolicy(header, shown, policy);
        }
        // Its credential names the issuer: nobody here can end a single one, and what a log says is to hold no part of it.
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && web?.Judge(header.AsSpan(Scheme.Length), time.GetUtcNow()) is { Principal: { } principal } verdict
            ? new SeenToken(header, null, web, new Actor(principal, Actor.WebTokenPrefix + verdict.Issuer), verdict.Until.ToUnixTimeSeconds())
            : null;
    }

    private static SeenToken? OfPolicy(string header, BearerToken shown, Policy policy)
    {
        var token = policy.FindToken(shown.Id);
        // As long for an id that there is not as for one that there is.
        var isItsSecret = shown.HasSecretOf(token is null ? NoSecret : token.Secret.Bytes);
        return token is not null && isItsSecret ? new SeenToken(header, shown, policy, token.Actor, token.NotAfter) : null;
    }

    private static BearerToken? ShownIn(string header) =>
        header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && BearerToken.TryParse(header.AsSpan(Scheme.Length), out var shown)
            ? shown
            : null;

    private static ReadOnlySpan<byte> NoSecret => "no SHA-256 is these thirty-two ones"u8[..PolicyNames.SecretBytes];
}
