using Consensus.Server.WebTokens;

namespace Consensus.Server.Metrics;

/// <summary>What <c>/metrics</c> says of JSON Web Tokens; nothing where none are believed.</summary>
internal static class WebTokenMetrics
{
    public static void Write(MetricsText text, WebTokenReload? webTokens)
    {
        if (webTokens is null)
        {
            return;
        }
        text.Gauge("consensus_jwt_generation", "1 at the start, one more with each reading of other issuers or keys.", webTokens.Number);
        var isRefused = webTokens.Refusal is not null;
        text.Gauge("consensus_jwt_refused", "1 while the files of --jwt hold what is not used; /v1/status says why.", isRefused ? 1 : 0);
        text.Gauge("consensus_jwt_remembered", "Tokens whose signature was verified and is remembered.", webTokens.Judge.Remembered);
    }
}
