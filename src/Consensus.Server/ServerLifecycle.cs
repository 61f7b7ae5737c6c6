namespace Consensus.Server;

/// <summary>Where the process stands between its start and its end.</summary>
public sealed class ServerLifecycle(TimeProvider clock)
{
    private readonly long _started = clock.GetTimestamp();
    private volatile bool _stopping;

    public TimeSpan Uptime => clock.GetElapsedTime(_started);

    /// <summary>From SIGTERM on: <c>/readyz</c> fails, so that callers look elsewhere (rule 30).</summary>
    public bool IsStopping => _stopping;

    public void BeginStopping() => _stopping = true;
}
