using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Simulation.Engine;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Simulation.Nodes;

/// <summary>What one thread of a process does with the disk, under way.</summary>
internal sealed class DiskJob(Action body, Action then, bool isOfSnapshot)
{
    public Action Body { get; } = body;

    /// <summary>The bytes that it reads and writes are charged.</summary>
    public bool IsOfSnapshot { get; } = isOfSnapshot;

    /// <summary>Since when it works, and what the disk had moved then.</summary>
    public long BeganAt { get; set; }

    public long MovedBefore { get; set; }

    /// <summary>What its thread does next, unless the process has ended by then.</summary>
    public Action Then { get; } = then;

    /// <summary>True time at which its thread gets to what it does next.</summary>
    public long FreeAt { get; set; }
}

/// <summary>
/// The threads of a process that work on its disk. Work takes virtual time and happens as a whole when that time is over; a process that ends before did an arbitrary part
/// of it, cut at any operation. When a thread has something to tell, it may be kept from the processor before it does.
/// </summary>
internal sealed class DiskWork(SimulatedCluster cluster, SimulatedProcess process, DeterministicRandom random)
{
    /// <summary>How long a thread is kept from the processor now and then, and seldom.</summary>
    private const long ShortWait = 300;
    private const long LongWait = 30_000;

    private readonly List<DiskJob> _jobs = [];

    private Scheduler Time => cluster.Time;

    /// <summary>Whose work is done at this moment.</summary>
    public DiskJob? Running { get; private set; }

    /// <param name="isOfSnapshot">What it moves takes time beside <paramref name="takesMicros"/>: whoever hears of it hears it so much later.</param>
    public DiskJob Begin(long takesMicros, Action body, Action? then = null, bool isOfSnapshot = false)
    {
        var job = new DiskJob(body, then ?? (static () => { }), isOfSnapshot);
        _jobs.Add(job);
        Time.After(takesMicros, () => Finish(job));
        return job;
    }

    /// <summary>When the thread that works at this moment meets the others: now, or later if it is kept from the processor, never before what it did earlier.</summary>
    public long Meets()
    {
        if (Running is not { } job)
        {
            return Time.Now;
        }
        Charge(job);
        job.FreeAt += Delay();
        return job.FreeAt;
    }

    /// <summary>Mostly none.</summary>
    public long Delay() => random.Next(64) switch
    {
        < 8 => random.Next(ShortWait),
        8 => random.Next(LongWait),
        _ => 0,
    };

    /// <summary>Its thread ends it before the process ends.</summary>
    public void Complete(DiskJob job)
    {
        if (_jobs.Remove(job))
        {
            job.Body();
        }
    }

    /// <summary>Nothing holds the disk up any more: what it was slow with is done in a moment.</summary>
    public void Hurry()
    {
        foreach (var job in _jobs)
        {
            Time.After(random.Next(1_000, 20_000), () => Finish(job));
        }
    }

    /// <summary>The process has ended without being asked: what its threads were doing stops somewhere.</summary>
    public void Abandon(DiskFaults faults)
    {
        if (_jobs.Count == 0)
        {
            return;
        }
        var last = (int)random.Next(_jobs.Count);
        try
        {
            for (var i = 0; i < _jobs.Count; i++)
            {
                if (i != last && random.Chance(1, 2))
                {
                    _jobs[i].Body();
                }
            }
            if (random.Chance(7, 8))
            {
                faults.IsEnding = true;
                _jobs[last].Body();
            }
        }
        catch (Exception e) when (e is SimulatedCrashException or StorageFailedException or IOException)
        {
            // It ended there.
        }
        finally
        {
            faults.IsEnding = false;
        }
    }

    private void Finish(DiskJob job)
    {
        if (process.HasEnded || !_jobs.Contains(job))
        {
            return;
        }
        var notBefore = Math.Max(process.PausedUntil, process.Node.Faults.StalledUntil);
        if (notBefore > Time.Now)
        {
            Time.At(notBefore + random.Next(100), () => Finish(job));
            return;
        }
        _jobs.Remove(job);
        Running = job;
        (job.BeganAt, job.MovedBefore, job.FreeAt) = (Time.Now, process.Node.Disk.MovedBytes, Time.Now);
        try
        {
            job.Body();
        }
        finally
        {
            Running = null;
        }
        Charge(job);
        process.At(job.FreeAt, job.Then);
    }

    /// <summary>For what it moved so far.</summary>
    private void Charge(DiskJob job)
    {
        if (job.IsOfSnapshot)
        {
            job.FreeAt = Math.Max(job.FreeAt, job.BeganAt + (cluster.Plan.Cost.SnapshotMicros(process.Node.Disk.MovedBytes - job.MovedBefore) * process.Node.Faults.Slowness));
        }
    }
}
