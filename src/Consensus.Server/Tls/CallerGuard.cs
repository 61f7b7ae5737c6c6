using System.Net;
using Consensus.Api.Problems;
using Consensus.Server.Hosting;
using Consensus.Server.Tokens;
using Consensus.StateMachine.Policies;
using Consensus.Translation;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Consensus.Server.Tls;

/// <summary>
/// Who asks is the first question of every request, before its target, its headers or its body are looked at: a stranger is told what is
/// wrong with the credential, and nothing else.
/// </summary>
/// <param name="tls">Null: nobody has to be known.</param>
internal sealed class CallerGuard(ServerTls? tls, TokenJudge tokens)
{
    private const string InTheClear =
        "a credential is taken over https, or on loopback, and not in the clear: whoever listened knows this one now";

    private static readonly Problem Unchecked = new(
        ProblemTypes.TooManyRequests, "too many credentials that are not valid came from this address; this one was not looked at")
    {
        RetryAfterSeconds = 1,
    };

    /// <summary>
    /// Whether a token is shown of which this member has not heard. Then it is counted as a guess, and <see cref="HasHeard"/> is to be told
    /// when the member has caught up with the cluster. Not of a probe: it asks for this member alone.
    /// </summary>
    public bool MayBeBehind(HttpContext http)
    {
        var headers = http.Request.Headers.Authorization;
        if (headers.Count == 0 || AdminSocket.Of(http) is not null || (tls is null && !IsOnLoopback(http.Connection)))
        {
            return false;
        }
        var address = http.Connection.RemoteIpAddress;
        if (IsProbe(http, http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget)
            || TokenJudge.HasSeen(headers, ConnectionTokens.Of(http)) || !tokens.Failures.MayTry(address) || !tokens.IsUnheardOf(headers))
        {
            return false;
        }
        // Before it is waited for: else guesses that come at a time were none yet.
        tokens.Failures.Add(address);
        return true;
    }

    /// <summary>The member knows what the cluster knew then, or that it cannot: the request is judged now, and no guess before that.</summary>
    public void HasHeard(HttpContext http) => tokens.Failures.TakeBack(http.Connection.RemoteIpAddress);

    /// <param name="target">As it was sent.</param>
    /// <param name="policy">That tokens are judged by; null: the newest that this member has applied.</param>
    /// <param name="actor">Who asks; nobody where nobody has to be known, and for what everybody may ask.</param>
    /// <returns>Null, or what the request is refused with.</returns>
    public Problem? Refusal(HttpContext http, string target, Policy? policy, out Actor actor)
    {
        actor = Actor.Nobody;
        var headers = http.Request.Headers.Authorization;
        if (AdminSocket.Of(http) is { } local)
        {
            // No token names who asks here, and two credentials have to name the same.
            actor = headers.Count == 0 ? local : Actor.Nobody;
            return headers.Count == 0 ? null : Unknown(TokenVerdict.NotValid);
        }
        if (headers.Count > 0)
        {
            return OfToken(http, headers, policy, out actor);
        }
        if (tls is null)
        {
            return null;
        }
        var connection = CallerConnection.Of(http)!;
        var caller = connection.Who();
        if (caller.Actor is { } known)
        {
            connection.Asked();
            actor = known;
            return null;
        }
        if (IsProbe(http, target))
        {
            // What comes behind it would be cut off by the time that a connection without a caller has.
            connection.EndGracefully();
            return null;
        }
        return Unknown(caller.Refusal);
    }

    private Problem? OfToken(HttpContext http, StringValues headers, Policy? policy, out Actor actor)
    {
        actor = Actor.Nobody;
        if (tls is null && !IsOnLoopback(http.Connection))
        {
            return Unknown(InTheClear);
        }
        var (memory, address) = (ConnectionTokens.Of(http), http.Connection.RemoteIpAddress);
        var hasSeen = TokenJudge.HasSeen(headers, memory);
        if (!hasSeen && !tokens.Failures.MayTry(address))
        {
            return Unchecked;
        }
        var verdict = tokens.Judge(headers, memory, policy);
        if (verdict.Actor is not { } known)
        {
            // Whoever has the secret, or had it until it was revoked, guesses nothing.
            if (!hasSeen && verdict.Refusal == TokenVerdict.NotValid)
            {
                tokens.Failures.Add(address);
            }
            return Unknown(verdict.Refusal);
        }
        if (CallerConnection.Of(http) is { } connection)
        {
            // Two credentials have to name the same. The certificate that is shown beside it is to be believed by itself.
            if (connection.HasCertificate && connection.Who().Actor is var shown && shown?.Name != known.Name)
            {
                return Unknown(shown is null ? connection.Who().Refusal : TokenVerdict.NotValid);
            }
            connection.Asked();
        }
        actor = known;
        return null;
    }

    private Problem Unknown(string sentence)
    {
        tls?.CountRefused();
        return new Problem(ProblemTypes.Unauthenticated, sentence);
    }

    /// <summary>Both ends of the connection are on this machine.</summary>
    private static bool IsOnLoopback(ConnectionInfo connection) =>
        connection is { RemoteIpAddress: { } there, LocalIpAddress: { } here } && IPAddress.IsLoopback(there) && IPAddress.IsLoopback(here);

    /// <summary>What supervisors and load balancers ask, who have no certificate; nothing more than that.</summary>
    private static bool IsProbe(HttpContext http, string target) =>
        target is "/livez" or "/readyz" && (HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method));
}
