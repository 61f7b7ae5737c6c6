using Consensus.Server.Connections;

namespace Consensus.Server.Tls;

/// <summary>
/// A request that may take as long as it likes, until it is disposed of: a wait, or a stream. It ends when its client is gone, and when its
/// client is nobody any more.
/// </summary>
internal readonly struct StandingRequest : IDisposable
{
    private readonly IDisposable? _unread;
    private readonly CallerConnection? _caller;
    private readonly HttpContext? _http;

    private StandingRequest(HttpContext http)
    {
        (_unread, _caller, _http) = (UnreadBehindWaits.While(http), CallerConnection.Of(http), http);
        _caller?.Begin(http);
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
    }
}
