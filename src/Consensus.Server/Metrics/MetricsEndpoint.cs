using Consensus.Node;
using Consensus.Raft;
using Consensus.Server.Cluster;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.Server.Watches;
using Consensus.Server.WebTokens;

namespace Consensus.Server.Metrics;

/// <summary>GET of <c>/metrics</c>: this member's own numbers, without a read of the cluster.</summary>
internal sealed class MetricsEndpoint(
    IConsensusNode node,
    Replies replies,
    RequestCounters counters,
    WatchHub watches,
    UnfinishedBodies bodies,
    HeldByServer held,
    ServerInfo info,
    ServerLifecycle lifecycle,
    MemberAlarms alarms,
    WebTokenReload? webTokens)
{
    public Task GetAsync(ApiCall call)
    {
        var status = node.Status;
        var text = new MetricsText();
        WriteMember(text, status);
        WriteMembers(text, status);
        WriteState(text, status);
        WriteProcess(text);
        WriteHeld(text);
        TlsMetrics.Write(text, info.Tls);
        WebTokenMetrics.Write(text, webTokens);
        AuditMetrics.Write(text, info.Audit?.Log);
        WriteRequests(text);
        replies.Start(call.Http, StatusCodes.Status200OK, status.Revision);
        call.Http.Response.ContentType = MetricsText.ContentType;
        return replies.Body(call.Http, text.ToBytes(), isUrgent: true);
    }

    private void WriteMember(MetricsText text, NodeStatus status)
    {
        text.Family("consensus_info", "gauge", "This member.");
        text.Sample("consensus_info", $"{MetricsText.Label("name", status.Name)},{MetricsText.Label("version", info.Version)}", 1);
        text.Gauge("consensus_ready", "1 when it has a leader and has caught up.", status.Ready && !lifecycle.IsStopping ? 1 : 0);
        text.Gauge("consensus_has_leader", "1 when a leader is known.", status.Leader.IsNone ? 0 : 1);
        text.Gauge("consensus_is_leader", "1 on the leader.", status.Role == RaftRole.Leader ? 1 : 0);
        text.Gauge("consensus_raft_term", "Raft term.", status.Term.Value);
        text.Gauge("consensus_raft_commit_index", "Last log index known to be committed.", status.CommitIndex.Value);
        text.Gauge("consensus_raft_applied_index", "Last log index applied to the state.", status.AppliedIndex.Value);
        text.Gauge("consensus_raft_last_index", "Last index of this member's log.", status.LastIndex.Value);
        text.Gauge("consensus_raft_durable_index", "Last log index flushed to this member's disk.", status.DurableIndex.Value);
        text.Gauge("consensus_log_bytes", "Bytes of the log on disk.", status.LogBytes);
        text.Counter("consensus_log_flushes_total", "Flushes of the log, one fdatasync each for all that waited.", status.LogFlushes);
        text.Counter("consensus_turns_total", "Turns of the loop.", status.Loop.Turns);
        text.Counter("consensus_turn_seconds_total", "Time spent in turns, without stops of the runtime.", status.Loop.TurnMicros / 1e6);
        text.Counter("consensus_turns_long_total", "Turns longer than 20 ms, without stops of the runtime.", status.Loop.LongTurns);
        text.Gauge("consensus_turn_longest_seconds", "The longest turn since the start, without stops of the runtime.", status.Loop.LongestTurnMicros / 1e6);
        text.Gauge(
            "consensus_turn_most_units",
            "The most that a turn applied since the start, in units worth about a microsecond; past 5000 it begins no further entry.",
            status.Loop.MostUnits);
        text.Gauge("consensus_turn_longest_delay_seconds", "The longest time by which a turn came late since the start.", status.Loop.LongestDelayMicros / 1e6);
        text.Gauge("consensus_turn_idle_seconds", "Since the last turn ended.", status.Loop.IdleMicros / 1e6);
        text.Gauge("consensus_snapshot_index", "Log index of the last snapshot.", status.SnapshotIndex.Value);
        text.Gauge("consensus_snapshot_bytes", "Bytes of the last snapshot.", status.SnapshotBytes);
        text.Gauge("consensus_alarms", "Alarms of this member; /v1/status has their sentences.", alarms.Of(status).Count);
    }

    /// <summary>What this member knows of the others: the leader of all, a follower of its leader. What it does not know is left out.</summary>
    private static void WriteMembers(MetricsText text, NodeStatus status)
    {
        var known = status.Members.Where(member => member is { IsSelf: false, Health: not MemberHealth.Unknown }).ToList();
        text.Family("consensus_member_healthy", "gauge", "1 when another member acknowledged lately and keeps up, as far as this one knows.");
        foreach (var member in known)
        {
            text.Sample("consensus_member_healthy", MetricsText.Label("member", member.Name), member.Health == MemberHealth.Healthy ? 1 : 0);
        }
        text.Family("consensus_member_last_contact_seconds", "gauge", "Since another member last acknowledged something, or, of the leader, was heard.");
        foreach (var member in known)
        {
            if (ClusterEndpoints.SinceContact(member, status) is { } micros)
            {
                text.Sample("consensus_member_last_contact_seconds", MetricsText.Label("member", member.Name), micros / 1e6);
            }
        }
        text.Family("consensus_member_round_trip_seconds", "gauge", "The way to another member and back, smoothed.");
        foreach (var member in known)
        {
            if (member.RoundTripMicros is { } micros)
            {
                text.Sample("consensus_member_round_trip_seconds", MetricsText.Label("member", member.Name), micros / 1e6);
            }
        }
    }

    private static void WriteState(MetricsText text, NodeStatus status)
    {
        text.Gauge("consensus_revision", "The store's revision as applied here.", status.Revision.Value);
        text.Gauge("consensus_keys", "Keys.", status.Counts.Keys);
        text.Gauge("consensus_leases", "Leases.", status.Counts.Leases);
        text.Gauge("consensus_locks_held", "Holds of locks, semaphores and elections.", status.Counts.HoldsInUse);
        text.Gauge("consensus_lock_waiters", "Requests that wait for a lock, a semaphore or an election.", status.Counts.Waiters);
        text.Gauge("consensus_fences", "Fences.", status.Counts.Fences);
        text.Gauge("consensus_history_changes", "Changes that are kept for watches and past reads.", status.Counts.Changes);
        text.Gauge("consensus_history_bytes", "Their bytes, as their bound counts them.", status.Counts.HistoryBytes);
        text.Gauge("consensus_idempotency_keys", "Stored results of requests with an Idempotency-Key.", status.Counts.IdempotencyKeys);
        text.Gauge("consensus_sessions", "Leases with a table of answers.", status.Counts.Sessions);
        text.Gauge("consensus_session_answers", "Answers of sessions that their clients have not acknowledged.", status.Counts.SessionAnswers);
        text.Gauge("consensus_brief_answers", "Answers that changed nothing, remembered while another attempt may be under way.", status.Counts.BriefAnswers);
        text.Gauge("consensus_quota_bytes", "Bytes that the state may come to.", status.Counts.QuotaBytes);
        text.Gauge("consensus_state_bytes", "Bytes of everything but the history, about as it takes memory: what the quota counts.", status.Counts.StateBytes);
    }

    private void WriteProcess(MetricsText text)
    {
        if (alarms.Disk is { } disk)
        {
            text.Gauge("consensus_disk_free_bytes", "Free bytes on the file system of the data directory.", disk.FreeBytes);
            text.Gauge("consensus_disk_bytes", "Size of that file system.", disk.TotalBytes);
        }
        if (info.Keys is { Files: var files })
        {
            var plain = files.PlainSegments + files.PlainSnapshots;
            text.Gauge("consensus_plain_files", "Log segments and snapshots that are not encrypted.", plain);
            text.Family("consensus_encryption_key_in_use", "gauge", "1 for each key that some file of the data directory needs.");
            foreach (var key in files.KeysInUse)
            {
                text.Sample("consensus_encryption_key_in_use", MetricsText.Label("key", key), 1);
            }
        }
        text.Gauge("consensus_uptime_seconds", "Seconds since this process started.", lifecycle.Uptime.TotalSeconds);
        text.Counter("process_cpu_seconds_total", "Processor time of this process.", Environment.CpuUsage.TotalTime.TotalSeconds);
        text.Gauge("process_resident_memory_bytes", "Resident memory of this process.", Environment.WorkingSet);
        text.Gauge("dotnet_gc_heap_bytes", "Bytes of the managed heap.", GC.GetTotalMemory(forceFullCollection: false));
        text.Counter("dotnet_gc_allocated_bytes_total", "Bytes allocated on the managed heap.", GC.GetTotalAllocatedBytes());
        text.Counter("dotnet_gc_pause_seconds_total", "Time for which garbage collection stopped all threads.", GC.GetTotalPauseDuration().TotalSeconds);
        text.Gauge(
            "consensus_longest_stop_seconds", "The longest such stop since the start, from one turn of the loop to the next.", node.Status.Loop.LongestStopMicros / 1e6);
        text.Family("dotnet_gc_collections_total", "counter", "Garbage collections by generation.");
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            text.Sample("dotnet_gc_collections_total", $"generation=\"{generation}\"", GC.CollectionCount(generation));
        }
    }

    private void WriteHeld(MetricsText text)
    {
        var all = held.All;
        text.Family("consensus_bytes_held", "gauge", "What each thing that holds payload holds at this moment; docs/architecture.md has the table.");
        foreach (var one in all)
        {
            text.Sample("consensus_bytes_held", MetricsText.Label("what", one.What), one.Held);
        }
        text.Family("consensus_bytes_limit", "gauge", "What each of them may hold.");
        foreach (var one in all)
        {
            text.Sample("consensus_bytes_limit", MetricsText.Label("what", one.What), one.Limit);
        }
    }

    private void WriteRequests(MetricsText text)
    {
        text.Gauge("consensus_watches", "Open event streams of this member.", watches.Watches);
        text.Gauge("consensus_unfinished_bodies", "Requests whose body has not come whole yet.", bodies.Count);
        text.Counter("consensus_unfinished_bodies_refused_total", "Requests that were refused (429) because they held them.", bodies.Refused);
        text.Counter("consensus_reads_total", "Answered requests that read keys, leases, holds or fences.", counters.Reads);
        text.Counter("consensus_writes_total", "Answered requests that were to change them.", counters.Writes);
        text.Counter("consensus_failures_total", "Of both, those answered with a status of 500 and above.", counters.Failures);
        text.Family("consensus_http_requests_total", "counter", "Answered requests by resource and class of status.");
        foreach (var route in Enum.GetValues<ApiRoute>())
        {
            for (var statusClass = 2; statusClass <= 5; statusClass++)
            {
                if (counters.Of(route, statusClass) is var count and > 0)
                {
                    var labels = $"{MetricsText.Label("route", ApiRouter.Template(route))},class=\"{statusClass}xx\"";
                    text.Sample("consensus_http_requests_total", labels, count);
                }
            }
        }
    }
}
