using Consensus.Node.Ports;
using Consensus.Storage.Disk;
using Consensus.Storage.Tests.Encryption;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Storage.Tests.Support;

/// <summary>
/// Runs steps on a disk beside the model, until they are done or the disk fails. With keys every sealed part that is written is watched,
/// over all restarts.
/// </summary>
internal sealed class WorkloadRun(SimulatedDisk disk, StorageOptions? options = null)
{
    private readonly StorageOptions _options = options ?? OpenMember.SmallSegments;
    private readonly IDisk _disk = options?.Keys is null ? disk : new SealWatch(disk);
    private OpenMember? _member;

    /// <summary>What was answered for: all of it must be recovered.</summary>
    public ModelLog Acknowledged { get; private set; } = ModelLog.Empty;

    /// <summary>What the log holds if the batch on its way made it to the disk whole; otherwise as <see cref="Acknowledged"/>.</summary>
    public ModelLog WithInFlight { get; private set; } = ModelLog.Empty;

    public int DoneSteps { get; private set; }

    public IReadOnlyList<string> Notes => _member!.Recovered.Notes;

    /// <summary>Starts the process and checks that it finds what was acknowledged, and at most what was on its way besides.</summary>
    public void Start(string what)
    {
        _member = StartMember();
        var found = ModelLog.Of(_member.Recovered);
        if (found.ToString() == WithInFlight.ToString())
        {
            Acknowledged = WithInFlight;
        }
        Assert.That(found.ToString(), Is.EqualTo(Acknowledged.ToString()), what);
        WithInFlight = Acknowledged;
        if (found.Mark is { } mark)
        {
            using var reader = _member.Snapshots.Open(mark);
            var sections = 0;
            while (reader.NextSection(out var kind, out var body))
            {
                Assert.That(body.ToArray(), Is.EqualTo(OpenMember.SectionBody(mark, kind)), what);
                sections++;
            }
            Assert.That(sections, Is.EqualTo(3), what);
        }
    }

    public void Run(IEnumerable<Step> steps)
    {
        foreach (var step in steps)
        {
            Run(step);
            DoneSteps++;
        }
    }

    /// <summary>A process on this disk that the run knows nothing of.</summary>
    public OpenMember StartMember() => OpenMember.Start(_disk, options: _options);

    /// <summary>The process ended in some way; what it was doing is forgotten.</summary>
    public void Abandon() => _member = null;

    private void Run(Step step)
    {
        var member = _member!;
        switch (step)
        {
            case Step.Append append:
                Append(append.Batch);
                break;
            case Step.EmptyFrame:
                member.Log.AppendEmptyFrame();
                break;
            case Step.Take take:
                OpenMember.SaveSnapshot(member.Snapshots, take.Mark, 3);
                Append([member.Request(taken: take.Mark)]);
                member.Compact(take.Mark.LastIndex);
                member.Snapshots.RemoveOlderThan(take.Mark);
                break;
            case Step.Install install:
                OpenMember.SaveSnapshot(member.Snapshots, install.Mark, 3);
                Append([member.Request(installed: install.Mark)]);
                member.Snapshots.RemoveOlderThan(install.Mark);
                member.Compact(install.Mark.LastIndex);
                break;
            case Step.Restart:
                member.Dispose();
                Start("a clean restart");
                break;
            default:
                Assert.Fail($"unknown step {step}");
                break;
        }
    }

    private void Append(IReadOnlyList<PersistRequest> batch)
    {
        WithInFlight = Acknowledged.After(batch);
        _member!.Log.Append(batch);
        Acknowledged = WithInFlight;
    }
}
