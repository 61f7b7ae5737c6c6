using Consensus.StateMachine.Policies;

namespace Consensus.Server.Tls;

/// <summary>
/// Who asks is the first question of every request, before its target, its headers or its body are looked at: a stranger is told what is
/// wrong with the credential, and nothing else.
/// </summary>
/// <param name="tls">Null: nobody is asked.</param>
internal sealed class CallerGuard(ServerTls? tls)
{
    private const string NotValid = "the credential is not valid";

    /// <param name="target">As it was sent.</param>
    /// <param name="actor">Who asks; nobody where nobody is asked, and for what everybody may ask.</param>
    /// <returns>Null, or the sentence that refuses the request.</returns>
    public string? Refusal(HttpContext http, string target, out Actor actor)
    {
        actor = Actor.Nobody;
        if (tls is null)
        {
            return null;
        }
        var connection = CallerConnection.Of(http)!;
        var caller = connection.Who();
        // Two credentials have to name the same, and no header names anybody.
        if (http.Request.Headers.Authorization.Count == 0)
        {
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
        }
        tls.CountRefused();
        return caller.Actor is null ? caller.Refusal : NotValid;
    }

    /// <summary>What supervisors and load balancers ask, who have no certificate; nothing more than that.</summary>
    private static bool IsProbe(HttpContext http, string target) =>
        target is "/livez" or "/readyz" && (HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method));
}
