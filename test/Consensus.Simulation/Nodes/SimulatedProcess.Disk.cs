using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Simulation.Engine;
using Consensus.StateMachine.Snapshots;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Simulation.Nodes;

/// <summary>
/// The log thread and the snapshot threads. Work on the disk takes virtual time and happens as a whole when that time is over; a process that ends before did
/// an arbitrary part of it, cut at any operation.
/// </summary>
public sealed partial class SimulatedProcess
{
    private const long IdleMicros = 1_000_000;

    private readonly List<DiskJob> _jobs = [];
    private List<PersistRequest> _waiting = [];
    private LogIndex _compactThrough;
    private bool _logIsBusy;
    private DiskJob? _logJob;
    private long _idleVersion;

    /// <summary>The process ends: what its threads were doing on the disk stops somewhere.</summary>
    internal void Abandon(EndKind kind)
    {
        _ended = true;
        if (kind is EndKind.DiskFailed or EndKind.Stopped || _jobs.Count == 0)
        {
            return;
        }
        var last = (int)_random.Next(_jobs.Count);
        try
        {
            for (var i = 0; i < _jobs.Count; i++)
            {
                if (i != last && _random.Chance(1, 2))
                {
                    _jobs[i].Run();
                }
            }
            if (_random.Chance(7, 8))
            {
                Node.Faults.IsEnding = true;
                _jobs[last].Run();
            }
        }
        catch (Exception e) when (e is SimulatedCrashException or StorageFailedException or IOException)
        {
            // It ended there.
        }
        finally
        {
            Node.Faults.IsEnding = false;
        }
    }

    /// <summary>Nothing holds this process up any more: it runs, and what its disk was slow with is done in a moment.</summary>
    internal void Recover()
    {
        PausedUntil = Time.Now;
        PlanTurn(Time.Now);
        foreach (var job in _jobs)
        {
            Time.After(_random.Next(1_000, 20_000), () => Finish(job));
        }
    }

    private void AppendToLog(List<PersistRequest> requests)
    {
        _waiting.AddRange(requests);
        WakeLog();
    }

    private void CompactLog(LogIndex through)
    {
        _compactThrough = LogIndex.Max(_compactThrough, through);
        WakeLog();
    }

    private void WakeLog()
    {
        if (_logIsBusy)
        {
            return;
        }
        _logIsBusy = true;
        _idleVersion++;
        var batch = _waiting;
        var compactThrough = _compactThrough;
        _waiting = [];
        _compactThrough = LogIndex.Zero;
        _cluster.Observer.Begins(Node, batch);
        _cluster.Wiring.BatchTaken(this, batch);
        _logJob = new DiskJob(() => WriteBatch(batch, compactThrough), LogIsDone);
        Begin(_logJob, DiskMicros(batch.Count > 0 ? 1 : 0));
    }

    private void WriteBatch(List<PersistRequest> batch, LogIndex compactThrough)
    {
        if (batch.Count > 0)
        {
            _log.Append(batch);
            _cluster.Trace.Note(TraceEvent.Durable, Node.Number, batch[^1].Sequence);
            _cluster.Observer.Durable(Node, batch);
            if (!_ended)
            {
                _cluster.Wiring.BatchDurable(this, batch);
            }
        }
        if (compactThrough > LogIndex.Zero)
        {
            _log.Compact(compactThrough);
        }
    }

    /// <summary>Tells the loop that a batch is durable, as the log thread does.</summary>
    internal void TellPersisted(List<PersistRequest> batch)
    {
        long last = 0;
        foreach (var request in batch)
        {
            last = Math.Max(last, request.Sequence);
        }
        if (last > 0)
        {
            Post(new PersistedInput(last));
        }
        foreach (var request in batch)
        {
            if (request.TakenSnapshot is not null)
            {
                Post(new SnapshotMarkedInput());
            }
        }
    }

    private void LogIsDone()
    {
        _logIsBusy = false;
        _logJob = null;
        if (_waiting.Count > 0 || _compactThrough > LogIndex.Zero)
        {
            WakeLog();
            return;
        }
        if (!_log.LastFrameIsUncovered)
        {
            return;
        }
        var version = ++_idleVersion;
        Time.After(IdleMicros, () =>
        {
            if (!_ended && version == _idleVersion && !_logIsBusy)
            {
                _logIsBusy = true;
                _logJob = new DiskJob(_log.AppendEmptyFrame, LogIsDone);
                Begin(_logJob, DiskMicros(1));
            }
        });
    }

    private void SaveSnapshot(SnapshotOrder order)
    {
        SnapshotFile? file = null;
        Begin(
            new DiskJob(
                () => file = _directory.Snapshots.Save(order.Mark, sink => SnapshotWriter.Write(order.View, sink)),
                () => Post(new SnapshotSavedInput(file!))),
            SnapshotMicros());
        _cluster.WorkBegins(this);
    }

    private void InBackground(Action work)
    {
        Begin(new DiskJob(work, static () => { }), DiskMicros(1));
        _cluster.WorkBegins(this);
    }

    private long DiskMicros(int syncs)
    {
        var timing = _cluster.Plan.Disk;
        return (20 + (syncs * (timing.SyncMicros + _random.Next(timing.JitterMicros + 1)))) * Node.Faults.Slowness;
    }

    private long SnapshotMicros() => (_cluster.Plan.Disk.SnapshotMicros + _random.Next(_cluster.Plan.Disk.SnapshotMicros + 1)) * Node.Faults.Slowness;

    private void Begin(DiskJob job, long takesMicros)
    {
        _jobs.Add(job);
        Time.After(takesMicros, () => Finish(job));
    }

    private void Finish(DiskJob job)
    {
        if (_ended || !_jobs.Contains(job))
        {
            return;
        }
        var notBefore = Math.Max(PausedUntil, Node.Faults.StalledUntil);
        if (notBefore > Time.Now)
        {
            Time.At(notBefore + _random.Next(100), () => Finish(job));
            return;
        }
        _jobs.Remove(job);
        try
        {
            job.Run();
        }
        catch (StorageFailedException failure)
        {
            if (Node.Faults.Injected == 0)
            {
                throw new SimulationFailureException("storage", $"the disk of {Node.Name} failed without a fault: {failure.Message}", failure);
            }
            _cluster.Trace.Line($"{Node.Name}: {failure.Message}");
            Node.End(EndKind.DiskFailed);
            return;
        }
        job.Done();
    }

    /// <summary>Work on the disk under way.</summary>
    private sealed record DiskJob(Action Run, Action Done);
}
