using Consensus.Node.Formation;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Simulation.Engine;
using Consensus.Storage.Formation;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Simulation.Nodes;

/// <summary>One machine: its disk, its clock, and the process that runs on it now, if any.</summary>
public sealed class SimulatedNode
{
    public const string DataPath = "/data";

    private readonly SimulatedCluster _cluster;
    private readonly DeterministicRandom _random;
    private long _incarnation;
    private Configuration? _known;

    internal SimulatedNode(SimulatedCluster cluster, int number, ulong seed)
    {
        _cluster = cluster;
        _random = new DeterministicRandom(seed);
        _incarnation = NewIncarnation();
        Number = number;
        Name = $"n{number + 1}";
        Disk = new SimulatedDisk(_random.NextUInt64());
        Faults = new DiskFaults(_random.NextUInt64());
        Clock = new SimulatedClock(_random.Next(1_000_000_000_000));
        Member = NewMember();
    }

    /// <summary>From 0; order of names.</summary>
    public int Number { get; }

    public string Name { get; }

    /// <summary>Of its present data directory: its name and that directory's incarnation.</summary>
    public Member Member { get; private set; }

    public MemberId Id => Member.Id;

    public SimulatedDisk Disk { get; private set; }

    public DiskFaults Faults { get; }

    public SimulatedClock Clock { get; }

    /// <summary>Null while none runs.</summary>
    public SimulatedProcess? Process { get; private set; }

    /// <summary>False from a loss of power to the next start: dialling it is not even refused.</summary>
    public bool HostIsUp { get; private set; } = true;

    /// <summary>Its data directory was damaged on purpose: a start must be refused.</summary>
    public bool MustRefuse { get; set; }

    /// <summary>True while no fault plan may start it.</summary>
    public bool IsHeldDown { get; set; }

    /// <summary>Its data directory belongs to a cluster.</summary>
    public bool IsFormed { get; private set; }

    /// <summary>It was told that it was removed: nobody starts it again but to see what it does.</summary>
    public bool IsRetired { get; set; }

    public bool MayStart => IsFormed && !IsHeldDown && !IsRetired;

    /// <summary>The configuration in force by its own log, as its last process knew it.</summary>
    public Configuration? Known => Process?.Core.Configuration ?? _known;

    public int Starts { get; private set; }

    private static ReadOnlyMemory<byte> TokenDigest { get; } = ClusterIdentity.TokenDigest("simulation");

    /// <summary>Makes the data directory, as the first start does once all initial members met, or once a cluster told who belongs to it.</summary>
    internal void Form(ClusterId cluster, Configuration initial)
    {
        using var directory = OpenDirectory();
        directory.Form(cluster, Id, initial);
        IsFormed = true;
        _known = initial;
    }

    /// <summary>All that was on its disk is gone for good: what starts here next is another member under the same name (rule 7).</summary>
    public void Wipe()
    {
        End(EndKind.PowerLoss);
        _cluster.Observer.Wiped(this);
        _cluster.Trace.Line($"{Name} ({Id}) lost its disk");
        Disk = new SimulatedDisk(_random.NextUInt64());
        Faults.Replaced();
        _incarnation = NewIncarnation();
        Member = NewMember();
        (IsFormed, IsRetired, _known) = (false, false, null);
    }

    internal DataDirectory OpenDirectory() =>
        DataDirectory.Open(Disk, DataPath, Name, TokenDigest, () => _incarnation, _cluster.Plan.Storage);

    /// <summary>Starts a process; its recovery is production code on this disk. False when it did not come up: the disk failed, or it was refused.</summary>
    public bool Start()
    {
        Invariant.Require(Process is null, "one process at a time uses a data directory");
        HostIsUp = true;
        Starts++;
        Disk.Inject = Faults.Judge;
        var process = SimulatedProcess.Start(_cluster, this, (long)(_random.NextUInt64() >> 1) | 1, _random.NextUInt64());
        if (process is null)
        {
            Disk.KillProcess();
            return false;
        }
        Process = process;
        _cluster.Trace.Note(TraceEvent.Start, Number, process.Boot);
        _cluster.Trace.Line($"{Name} started: last index {process.Core.Status.LastIndex}, term {process.Core.Term}");
        _cluster.Network.Started(this);
        process.Begin();
        return true;
    }

    /// <summary>The process ends now, wherever it was. With the power, what was not synced is lost too.</summary>
    public void End(EndKind kind)
    {
        if (Process is not { } process)
        {
            if (kind == EndKind.PowerLoss)
            {
                Disk.LosePower();
                HostIsUp = false;
            }
            return;
        }
        _cluster.Trace.Note(TraceEvent.End, Number, (long)kind);
        _cluster.Trace.Line($"{Name} ended: {kind}");
        _known = process.Core.Configuration;
        Process = null;
        process.Abandon(kind);
        if (kind == EndKind.PowerLoss)
        {
            Disk.LosePower();
            HostIsUp = false;
        }
        else
        {
            Disk.KillProcess();
        }
        _cluster.Network.Ended(this, HostIsUp);
        _cluster.Observer.Ended(this);
        _cluster.ProcessEnded(this, process, kind);
    }

    private long NewIncarnation() => (long)(_random.NextUInt64() >> 1) | 1;

    private Member NewMember() => new(ClusterIdentity.MemberIdOf(Name, _incarnation), Name, $"{Name}:7380");
}

public enum EndKind
{
    /// <summary>kill -9: what was written is seen by the next process.</summary>
    Killed,

    PowerLoss,

    /// <summary>The process ended itself, because its disk failed.</summary>
    DiskFailed,

    /// <summary>Asked to stop, and done.</summary>
    Stopped,
}
