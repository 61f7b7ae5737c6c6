using Consensus.Node.Ports;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Log;

/// <summary>
/// A process that ends, or a disk that fails, at each of its operations, compared with a model: what was acknowledged is recovered, a batch
/// on its way is there wholly or not at all, nothing is invented (raft-bugs 1, 3, 6 to 9, 11, 12). Once in plain and once sealed, where no
/// key and nonce ever meet two contents.
/// </summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class CrashTests(bool isSealed)
{
    private const int Steps = 14;

    private StorageOptions Options { get; } = isSealed ? OpenMember.Sealed() : OpenMember.SmallSegments;

    [Test]
    public void A_long_life_with_restarts_and_power_losses_agrees_with_the_model([Range(1, 20)] int seed)
    {
        var disk = new SimulatedDisk((ulong)seed);
        var run = new WorkloadRun(disk, Options);
        run.Start("new");
        var steps = Workload.Generate((ulong)seed, 400);
        for (var i = 0; i < steps.Count; i += 10)
        {
            run.Run(steps.Skip(i).Take(10));
            if (i % 20 == 0)
            {
                disk.LosePower();
            }
            else
            {
                disk.KillProcess();
            }
            run.Start($"after {i} steps");
            Assert.That(run.Notes, Is.Empty, "nothing was on its way when the process ended");
        }
        Assert.That(run.Acknowledged.Mark, Is.Not.Null, "the workload takes snapshots");
    }

    [Test]
    public void A_crash_at_each_operation_loses_nothing_acknowledged([Range(1, 8)] int seed)
    {
        var steps = Workload.Generate((ulong)seed, Steps);
        var tried = 0;
        foreach (var fault in new[] { DiskFault.CrashBefore, DiskFault.CrashAfter })
        {
            foreach (var powerLoss in new[] { true, true, false })
            {
                for (var at = 0; ; at++)
                {
                    var what = $"seed {seed} {fault} at {at}, power loss {powerLoss}, variant {tried}";
                    var (disk, run) = StartNew((ulong)(seed * 10_000) + (ulong)tried);
                    if (!RunUntilFault(disk, run, steps, at, fault, operation => true))
                    {
                        break;
                    }
                    End(disk, run, powerLoss);
                    CrashAgainWhileRecovering(disk, run, tried % 12, tried % 3 != 0);
                    run.Start(what);
                    CheckThatItIsDurableNow(disk, run, tried % 2 == 0, what);
                    tried++;
                }
            }
        }
        Assert.That(tried, Is.GreaterThan(6 * Steps));
    }

    [Test]
    public void A_failed_sync_ends_the_log_and_nothing_it_covered_was_acknowledged([Range(1, 8)] int seed) =>
        FailAtEach(seed, DiskFault.InputOutputError, operation => operation.IsSync, "Input/output error");

    [Test]
    public void A_failed_write_rename_or_removal_ends_the_log([Range(1, 6)] int seed) =>
        FailAtEach(seed, DiskFault.InputOutputError, operation => !operation.IsSync, "Input/output error");

    [Test]
    public void A_full_disk_ends_the_log_says_so_and_loses_nothing([Range(1, 8)] int seed) =>
        FailAtEach(seed, DiskFault.Full, operation => operation.TakesSpace, "the disk is full");

    [Test]
    public void The_older_snapshot_stays_until_the_newer_ones_mark_is_durable()
    {
        for (var seed = 0; seed < 400; seed++)
        {
            var disk = new SimulatedDisk((ulong)seed);
            var member = OpenMember.Start(disk, options: Options);
            member.Append(Make.Entries(1, 9, 1));
            member.TakeSnapshot(Make.Mark(4, 1));
            disk.Inject = operation => operation.Kind == DiskOperationKind.SyncData ? DiskFault.CrashBefore : DiskFault.None;
            Assert.That(() => member.TakeSnapshot(Make.Mark(8, 1)), Throws.TypeOf<SimulatedCrashException>());
            disk.KillProcess();

            var count = 0;
            disk.Inject = operation => operation.Kind != DiskOperationKind.Read && count++ == seed % 10 ? DiskFault.CrashAfter : DiskFault.None;
            try
            {
                OpenMember.Start(disk, options: Options);
                Assert.That(seed % 10, Is.GreaterThan(4), "recovery has several operations");
            }
            catch (SimulatedCrashException)
            {
                // As intended.
            }
            disk.LosePower();
            using var again = OpenMember.Start(disk, options: Options);
            Assert.That(again.Recovered.Snapshot?.LastIndex.Value, Is.EqualTo(4).Or.EqualTo(8), $"seed {seed}");
        }
    }

    private void FailAtEach(int seed, DiskFault fault, Func<DiskOperation, bool> of, string says)
    {
        var steps = Workload.Generate((ulong)seed + 100, Steps);
        var (tried, failures) = (0, 0);
        foreach (var powerLoss in new[] { true, false })
        {
            for (var at = 0; ; at++)
            {
                var what = $"seed {seed} {fault} at {at}, power loss {powerLoss}";
                var (disk, run) = StartNew((ulong)(seed * 10_000) + (ulong)tried);
                Exception? failure = null;
                if (!RunUntilFault(disk, run, steps, at, fault, of, e => failure = e))
                {
                    break;
                }
                // A sealed log that begins a segment at a start finds room on a full disk, if it can: then nothing failed.
                Assert.That(failure?.Message, failure is null && fault == DiskFault.Full ? Is.Null : Does.Contain(says), what);
                failures += failure is null ? 0 : 1;
                End(disk, run, powerLoss);
                run.Start(what);
                CheckThatItIsDurableNow(disk, run, tried % 2 == 0, what);
                tried++;
            }
        }
        Assert.That(failures, Is.GreaterThan(Steps / 2));
    }

    private (SimulatedDisk Disk, WorkloadRun Run) StartNew(ulong seed)
    {
        var disk = new SimulatedDisk(seed);
        var run = new WorkloadRun(disk, Options);
        run.Start("new");
        return (disk, run);
    }

    /// <summary>False when the steps have fewer than <paramref name="at"/> + 1 such operations.</summary>
    private static bool RunUntilFault(
        SimulatedDisk disk,
        WorkloadRun run,
        IReadOnlyList<Step> steps,
        int at,
        DiskFault fault,
        Func<DiskOperation, bool> of,
        Action<Exception>? failed = null)
    {
        var count = 0;
        disk.Inject = operation => operation.Kind != DiskOperationKind.Read && of(operation) && count++ == at ? fault : DiskFault.None;
        try
        {
            run.Run(steps);
            return count > at;
        }
        catch (SimulatedCrashException)
        {
            return true;
        }
        catch (Exception e) when (e is StorageFailedException or StorageRefusedException)
        {
            failed?.Invoke(e);
            return true;
        }
    }

    private static void End(SimulatedDisk disk, WorkloadRun run, bool powerLoss)
    {
        run.Abandon();
        if (powerLoss)
        {
            disk.LosePower();
        }
        else
        {
            disk.KillProcess();
        }
    }

    private static void CrashAgainWhileRecovering(SimulatedDisk disk, WorkloadRun run, int at, bool powerLoss)
    {
        var count = 0;
        disk.Inject = operation => operation.Kind != DiskOperationKind.Read && count++ == at ? DiskFault.CrashBefore : DiskFault.None;
        try
        {
            run.StartMember();
        }
        catch (SimulatedCrashException)
        {
            // As intended; with fewer operations than that it recovered, which is as good.
        }
        End(disk, run, powerLoss);
    }

    /// <summary>What recovery returned may be told to others: it must survive a loss of power at once, and the log must go on from it.</summary>
    private static void CheckThatItIsDurableNow(SimulatedDisk disk, WorkloadRun run, bool losePowerFirst, string what)
    {
        if (losePowerFirst)
        {
            End(disk, run, powerLoss: true);
            run.Start(what + ", then power loss");
        }
        var next = run.Acknowledged.LastIndex + 1;
        var term = Math.Max(run.Acknowledged.HardState.Term.Value, run.Acknowledged.TermAt(next - 1));
        run.Run([
            new Step.Append([new PersistRequest(1, null, null, null, Make.Entries(next, 2, term, 300))]),
            new Step.EmptyFrame(),
            new Step.Append([new PersistRequest(2, null, null, null, Make.Entries(next + 1, 3, term + 1, 100))]),
        ]);
        End(disk, run, powerLoss: true);
        run.Start(what + ", then more");
        Assert.That(run.Acknowledged.LastIndex, Is.EqualTo(next + 3), what);
    }
}
