using System.Runtime.ExceptionServices;
using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Node.Runtime;
using Consensus.Primitives.Wire;

namespace Consensus.Simulation.Nodes;

/// <summary>The threads of production's runtime as events in virtual time. In which order they meet at its ports is drawn.</summary>
public sealed partial class SimulatedProcess : INodeThreads
{
    private readonly DiskWork _disk;
    private readonly Queue<Action> _afterPause = [];
    private DiskJob? _logJob;
    private bool _logIsAwake;
    private long _logSleeps;

    bool INodeThreads.Post(NodeInput input) => PostWhenFree(input);

    bool INodeThreads.PostToLoop(NodeInput input) => PostWhenFree(input);

    void INodeThreads.PostFromPeer(NodeInput input, int bytes) => PostWhenFree(
        input is PeerMessageInput frame && _cluster.Wiring.Arrives(this, frame.Message) is var message && !ReferenceEquals(message, frame.Message)
            ? frame with { Message = message }
            : input);

    void INodeThreads.TurnForPeers()
    {
        // Whatever is posted has a turn planned for it, which takes all that came by then.
    }

    void INodeThreads.PostAction(Action action)
    {
        if (!_closed)
        {
            At(_disk.Meets(), () =>
            {
                _actions.Add(action);
                PlanTurn(SoonestTurn());
            });
        }
    }

    void INodeThreads.WakeLog()
    {
        if (_logIsAwake || _closed)
        {
            return;
        }
        _logIsAwake = true;
        _logSleeps++;
        At(Time.Now + _disk.Delay(), () => StepLog(hasIdled: false));
    }

    void INodeThreads.Run(BackgroundWork work, Action body)
    {
        _disk.Begin(work == BackgroundWork.SaveSnapshot ? SnapshotMicros() : DiskMicros(work == BackgroundWork.RemoveSnapshots ? 1 : 0), body, isOfSnapshot: true);
        if (work != BackgroundWork.OpenSnapshot)
        {
            _cluster.WorkBegins(this);
        }
    }

    void INodeThreads.Rest(TimeSpan time) => _disk.Running?.FreeAt += (long)time.TotalMicroseconds;

    void INodeThreads.After(TimeSpan time, Action body) => At(Time.Now + (long)time.TotalMicroseconds, body);

    void INodeThreads.Complete(List<IAwaited> answered)
    {
        foreach (var request in answered)
        {
            if (request is PendingChange change)
            {
                _cluster.Observer.ChangeAnswered(change);
            }
            request.Complete(inline: true);
        }
    }

    void INodeThreads.EndTurns()
    {
        // What it fails of ends it at once.
    }

    /// <summary>
    /// Does what a thread of the transport does. False when its connection is over. Anything that escapes from it and is no broken connection is the end of a real process,
    /// without a word.
    /// </summary>
    internal bool OnTransportThread(Action body)
    {
        try
        {
            body();
            return !_ended;
        }
        catch (Exception e) when (e is IOException or WireFormatException)
        {
            _cluster.Trace.Line($"{Node.Name}: {e.Message}");
            return false;
        }
        catch (Exception e) when (e is not SimulationFailureException)
        {
            if (!_ended)
            {
                _cluster.Observer.Escaped(this, e);
                Node.End(EndKind.Killed);
            }
            return false;
        }
    }

    /// <summary>A thread of the transport works on the disk as long as a snapshot takes.</summary>
    internal void BeginOnTransportThread(Action body, Action then)
    {
        _disk.Begin(SnapshotMicros(), () => OnTransportThread(body), then, isOfSnapshot: true);
        _cluster.WorkBegins(this);
    }

    /// <summary>Tells the loop that a batch is durable, as the log's thread does.</summary>
    internal void TellPersisted(List<PersistRequest> batch) => _runtime.Log.Tell(batch);

    private bool PostWhenFree(NodeInput input)
    {
        if (_closed)
        {
            return false;
        }
        At(_disk.Meets(), () =>
        {
            if (input is SnapshotArrivedInput arrived)
            {
                _cluster.SnapshotsTaken++;
                _cluster.Observer.SnapshotTaken(Node, arrived.File.Mark);
            }
            _inbox.Add(input);
            PlanTurn(SoonestTurn());
        });
        return true;
    }

    /// <summary>Has a thread of this process do something at this true time, or when it goes on after a pause; never once it takes nothing more.</summary>
    internal void At(long micros, Action happens)
    {
        if (micros > Time.Now)
        {
            Time.At(micros, () => At(micros, happens));
        }
        else if (IsPaused)
        {
            _afterPause.Enqueue(happens);
        }
        else if (!_closed)
        {
            happens();
        }
    }

    /// <summary>What came due during a pause happens at its end, in order.</summary>
    private void Resume()
    {
        while (!IsPaused && _afterPause.TryDequeue(out var happens))
        {
            At(Time.Now, happens);
        }
    }

    private void StepLog(bool hasIdled)
    {
        var step = _runtime.Log.Next(hasIdled);
        _logIsAwake = step != LogStep.Sleep;
        if (step == LogStep.Sleep)
        {
            SleepLog();
            return;
        }
        Taken(step);
        _logJob = _disk.Begin(DiskMicros(step == LogStep.Compact ? 0 : 1), () => _runtime.Log.Do(step), () =>
        {
            _logJob = null;
            StepLog(hasIdled: false);
        });
    }

    private void SleepLog()
    {
        if (!_log.LastFrameIsUncovered)
        {
            return;
        }
        var sleep = ++_logSleeps;
        At(Time.Now + LogWriter.IdleMicros, () =>
        {
            if (sleep == _logSleeps)
            {
                StepLog(hasIdled: true);
            }
        });
    }

    private void Taken(LogStep step)
    {
        if (step == LogStep.Write)
        {
            _cluster.Observer.Begins(Node, _runtime.Log.Batch);
            _cluster.Wiring.BatchTaken(this, _runtime.Log.Batch);
        }
    }

    /// <summary>The log's thread ends what it does, writes what waits, and ends.</summary>
    private void EndLog()
    {
        if (_logJob is { } underWay)
        {
            _disk.Complete(underWay);
        }
        _runtime.Close();
        while (!_ended && _runtime.Log.Next(hasIdled: false) is not LogStep.End and var step)
        {
            Taken(step);
            _runtime.Log.Do(step);
        }
    }

    /// <summary>It can go on no longer, and says so. Its disk may be the reason where something is wrong with that; anything else is a mistake.</summary>
    private void Fatal(string what, Exception? failure)
    {
        if (failure is SimulationFailureException)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
        if (_ended)
        {
            return;
        }
        if (failure is not (StorageFailedException or IOException) || Node.Faults.Injected == 0)
        {
            throw new SimulationFailureException("storage", $"{Node.Name} ended itself, and nothing was wrong with its disk: {what}: {failure?.Message}", failure);
        }
        _cluster.Trace.Line($"{Node.Name}: {what}: {failure.Message}");
        Node.End(EndKind.DiskFailed);
    }

    private long DiskMicros(int syncs)
    {
        var timing = _cluster.Plan.Disk;
        return (20 + (syncs * (timing.SyncMicros + _random.Next(timing.JitterMicros + 1)))) * Node.Faults.Slowness;
    }

    private long SnapshotMicros() => (_cluster.Plan.Disk.SnapshotMicros + _random.Next(_cluster.Plan.Disk.SnapshotMicros + 1)) * Node.Faults.Slowness;
}
