using Consensus.Server.Connections;
using Consensus.Server.Tokens;

namespace Consensus.Server.Tls;

/// <summary>
/// A request that may take as long as it likes, until it is disposed of: a wait, or a stream. It ends when its client is gone, and when its
/// client is nobody any more.
/// </summary>
internal readonly struct StandingRequest : IDisposable
{
    private readonly IDisposable? _unread;
    private readonly CallerConnection? _caller;
    private readonly TokenJudge? _tokens;
    private readonly HttpContext? _http;

    private StandingRequest(HttpContext http)
    {
        (_unread, _caller, _http) = (UnreadBehindWaits.While(http), CallerConnection.Of(http), http);
        _caller?.Begin(http);
        if (http.Request.Headers.Authorization is [{ } header] && ConnectionTokens.Of(http) is { Judge: var tokens })
        {
            _tokens = tokens;
            tokens.Begin(http, header);
        }
    }

    /// <summary>From here on it stands.</summary>
    public static StandingRequest Begin(HttpContext http) => new(http);

    public void Dispose()
    {
        _unread?.Dispose();
        if (_caller is not null)
        {
            _caller.End(_http!);
        }
        if (_tokens is not null)
        {
            _tokens.End(_http!);
        }
    }
}
