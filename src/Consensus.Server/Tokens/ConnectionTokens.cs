using Consensus.Security.Tokens;
using Consensus.Server.WebTokens;
using Consensus.StateMachine.Policies;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Consensus.Server.Tokens;

/// <summary>A header that was somebody's.</summary>
/// <param name="Shown">The token that it holds; null for one of another issuer's.</param>
/// <param name="By">What it was judged by: the policy, or the judge of JSON Web Tokens.</param>
/// <param name="NotAfter">In seconds since 1970: from then on it is nobody's.</param>
internal sealed record SeenToken(string Header, BearerToken? Shown, object By, Actor Actor, long NotAfter)
{
    /// <summary>Whether what it was judged by is still what goes.</summary>
    public bool IsOf(Policy policy, WebTokenJudge? webTokens) => ReferenceEquals(By, Shown is null ? webTokens : policy);
}

/// <summary>
/// What a connection remembers of the tokens that came over it: the last that was somebody's. A feature of the connection. Thread-safe:
/// HTTP/2 has many requests at a time.
/// </summary>
internal sealed class ConnectionTokens(TokenJudge judge)
{
    private volatile SeenToken? _seen;

    public TokenJudge Judge => judge;

    public SeenToken? Seen
    {
        get => _seen;
        set => _seen = value;
    }

    /// <summary>Of the request's connection; null where it has none.</summary>
    public static ConnectionTokens? Of(HttpContext http) => http.Features.Get<ConnectionTokens>();

    /// <summary>Gives each connection its own.</summary>
    public static void UseOn(ListenOptions listen, TokenJudge judge) => listen.Use(next => connection =>
    {
        connection.Features.Set(new ConnectionTokens(judge));
        return next(connection);
    });
}
