using Consensus.Node;
using Consensus.Server.Hosting;
using Consensus.Server.Options;
using Consensus.Server.Tls;

namespace Consensus.Server.Audit;

/// <summary>The audit log of a process, from its start to its end.</summary>
internal sealed class AuditStart : IDisposable
{
    private readonly ServerTls? _tls;
    private readonly TlsReload? _reload;

    private AuditStart(AuditTrail trail, TlsReload? reload)
    {
        (Trail, _reload, _tls) = (trail, reload, reload?.Tls);
        if (reload is not null)
        {
            reload.Changed = trail.Reloaded;
            reload.Tls.TurnedAway = trail.TurnedAway;
        }
    }

    public AuditTrail Trail { get; }

    /// <summary>Null where nothing is recorded. Once the node knows its cluster.</summary>
    /// <exception cref="IOException">The file cannot be had: names it.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static AuditStart? Open(ServerOptions options, IConsensusNode node, TlsReload? reload, ILogger logger)
    {
        if (options.Audit is not { } audit)
        {
            return null;
        }
        var file = new AuditFile(Path.GetFullPath(audit.File), options.Name);
        var log = new AuditLog(
            file,
            options.Name,
            node.Status.Cluster.ToString(),
            TimeProvider.System,
            MemoryPlan.OfThisProcess.Audit,
            (isWarning, sentence) => logger.Log(isWarning ? LogLevel.Warning : LogLevel.Information, "{Sentence}", sentence));
        try
        {
            log.Open(ConsensusServer.Version, audit.Levels + (audit.IsRequired ? ", required" : ""));
        }
        catch
        {
            file.Dispose();
            throw;
        }
        var trail = new AuditTrail(log, audit.Levels, audit.IsRequired, node, TimeProvider.System);
        log.EachSecond = () => trail.Tell(atOnce: false);
        log.Start(ProcessEnd.Now);
        return new AuditStart(trail, reload);
    }

    /// <summary>Half a second at most.</summary>
    public void Dispose()
    {
        if (_tls is not null)
        {
            _tls.TurnedAway = null;
            _reload!.Changed = null;
        }
        Trail.Tell(atOnce: true);
        Trail.Log.Dispose();
    }
}
