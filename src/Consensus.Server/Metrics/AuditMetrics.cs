using Consensus.Server.Audit;

namespace Consensus.Server.Metrics;

/// <summary>What <c>/metrics</c> says of the audit log; nothing where there is none.</summary>
internal static class AuditMetrics
{
    public static void Write(MetricsText text, AuditLog? audit)
    {
        if (audit is null)
        {
            return;
        }
        text.Counter("consensus_audit_records_total", "Records that were written to the audit log.", audit.Written);
        text.Counter("consensus_audit_dropped_total", "Records that are missing there, because they could not be written.", audit.Dropped);
        text.Gauge("consensus_audit_failing", "1 while it cannot be written; /v1/status says why.", audit.Trouble is null ? 0 : 1);
    }
}
