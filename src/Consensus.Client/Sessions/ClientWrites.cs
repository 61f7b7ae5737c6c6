namespace Consensus.Client.Sessions;

/// <summary>Sends the writes of one client, each under an identity of its own. Thread-safe.</summary>
internal sealed class ClientWrites(IConsensusApi api, ClientSessions sessions)
{
    /// <summary>For what is no write, and what has an Idempotency-Key whatever there is.</summary>
    public IConsensusApi Api => api;

    /// <param name="send">One write.</param>
    /// <param name="givesBack">It ends something.</param>
    public async Task<ApiResult<T>> SendAsync<T>(Func<IConsensusApi, Task<ApiResult<T>>> send, bool givesBack = false)
    {
        var identity = sessions.Begin(givesBack);
        var isKnown = false;
        try
        {
            var result = await send(api.Under(identity)).ConfigureAwait(false);
            isKnown = result.Succeeded;
            return result;
        }
        finally
        {
            ClientSessions.End(identity, isKnown);
        }
    }
}
