using Consensus.Security.Certificates;
using Consensus.Server.Tls;

namespace Consensus.Server.Metrics;

/// <summary>What <c>/metrics</c> says of TLS on the client port; nothing where there is none.</summary>
internal static class TlsMetrics
{
    public static void Write(MetricsText text, ServerTls? tls)
    {
        if (tls is null)
        {
            return;
        }
        var (generation, now) = (tls.Source.Current, tls.Source.Time.GetUtcNow());
        const string Expires = "consensus_tls_expiry_seconds";
        text.Family(Expires, "gauge", "Until the first certificate that the bundle needs ends: its own, one between, or the last CA's.");
        text.Sample(Expires, MetricsText.Label("bundle", "own"), (Expiry.Of(generation.Own, now).End - now).TotalSeconds);
        text.Sample(Expires, MetricsText.Label("bundle", "peer"), (Expiry.Of(generation.Peer, now).End - now).TotalSeconds);
        text.Gauge("consensus_tls_generation", "1 at the start, one more with each reading of other certificates.", generation.Number);
        var isRefused = tls.Refusal() is not null;
        text.Gauge("consensus_tls_refused", "1 while the files hold what is not used; /v1/status says why.", isRefused ? 1 : 0);
        text.Gauge("consensus_tls_connections", "Connections of clients with TLS.", tls.Connections);
        text.Gauge("consensus_tls_handshakes_pending", "Connections of clients whose handshake is not over.", tls.Handshakes.Pending);
        text.Counter("consensus_tls_handshakes_total", "Handshakes of clients that succeeded.", tls.Handshakes.Done);
        text.Counter("consensus_tls_handshakes_failed_total", "Those that failed, or came to no end in time.", tls.Handshakes.Failed);
        text.Counter("consensus_tls_plain_total", "Connections of clients that began with something else than TLS.", tls.Handshakes.Plain);
        text.Counter("consensus_unauthenticated_total", "Requests that were answered 401.", tls.Refused);
    }
}
