using Consensus.Fuzzing;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Storage.Log;
using Consensus.Storage.Tests.Simulation;
using Consensus.Storage.Tests.Support;

namespace Consensus.Storage.Tests.Fuzzing;

/// <summary>
/// Segments changed in any way, recovered by the production code. Either the file is refused by name, or what comes back is exactly what the log held after one of its
/// frames, and never one before a frame that what is left calls durable (raft-bugs 10).
/// </summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class LogFuzzTests(bool isSealed)
{
    private StorageOptions Options { get; } = isSealed ? OpenMember.Sealed() : OpenMember.SmallSegments;

    private enum Outcome
    {
        Refused,
        Whole,
        Cut,
    }

    private SimulatedDisk _disk = null!;
    private LogMap _map = null!;
    private Dictionary<string, List<long>> _framesByState = null!;

    [Test]
    public void A_changed_segment_is_refused_by_name_or_gives_a_true_prefix([Range(1, 12)] int seed)
    {
        var random = Mutator.Random(seed);
        BuildLog(random.NextUInt64());
        var counts = new int[3];
        for (var round = Mutator.Rounds(250); round > 0; round--)
        {
            var path = _map.Paths[(int)random.Next(_map.Paths.Count)];
            var changed = Change(_disk.Contents(path), random);
            counts[(int)Recover(path, changed)]++;
        }
        Assert.That(counts[(int)Outcome.Refused], Is.Positive, "some changes are refused");
        Assert.That(counts[(int)Outcome.Whole], Is.Positive, "some changes hit nothing");
    }

    /// <summary>Frames that never reached the disk at the end of the log look like a tear; only then is anything missing.</summary>
    [Test]
    public void The_end_cleared_from_any_frame_on_gives_the_state_before_it_or_a_refusal([Range(1, 6)] int seed)
    {
        BuildLog(Mutator.Random(seed).NextUInt64());
        var whole = _framesByState.Values.Single(frames => frames.Contains(_map.LastFrame.Header.Frame));
        foreach (var frame in _map.Frames.Where(f => f.Path == _map.LastPath))
        {
            var contents = _disk.Contents(frame.Path);
            contents.AsSpan(frame.Offset).Clear();
            // A state from before a snapshot was taken may need a file that was removed since: then it is refused.
            var changesNothing = whole.Contains(frame.Header.Frame - 1);
            Assert.That(Recover(frame.Path, contents), changesNothing ? Is.EqualTo(Outcome.Whole) : Is.Not.EqualTo(Outcome.Whole), $"frame {frame.Header.Frame}");
        }
    }

    private void BuildLog(ulong seed)
    {
        // A log that ends with a full segment may begin the next one without a frame in it: another seed then.
        while (!TryBuildLog(seed))
        {
            seed++;
        }
    }

    private bool TryBuildLog(ulong seed)
    {
        _disk = new SimulatedDisk(seed);
        var run = new WorkloadRun(_disk, Options);
        run.Start("a new directory");
        _framesByState = new Dictionary<string, List<long>> { [run.Acknowledged.ToString()] = [0] };
        foreach (var step in Workload.Generate(seed, 60).Where(s => s is not Step.Restart))
        {
            run.Run([step]);
            var frames = LogMap.Of(_disk).Frames;
            if (frames.Count > 0)
            {
                var state = run.Acknowledged.ToString();
                _framesByState.TryAdd(state, []);
                _framesByState[state].Add(frames[^1].Header.Frame);
            }
        }
        run.Abandon();
        _disk.KillProcess();
        _map = LogMap.Of(_disk);
        return _map.Paths.Count >= 2 && _map.Frames.Any(f => f.Path == _map.LastPath);
    }

    private Outcome Recover(string path, byte[] changed)
    {
        var disk = _disk.Copy(1);
        disk.Replace(path, changed);
        string found;
        try
        {
            using var member = OpenMember.Start(disk, options: Options);
            found = ModelLog.Of(member.Recovered).ToString();
        }
        catch (StorageRefusedException e)
        {
            // Damage to one file may first be noticed where another one should continue it, or as a snapshot that is not there any more.
            Assert.That(e.Message, Does.Contain(OpenMember.Root));
            return Outcome.Refused;
        }
        Assert.That(_framesByState, Does.ContainKey(found), "what is recovered is what the log held at some time");
        var last = _framesByState[found].Max();
        Assert.That(last, Is.GreaterThanOrEqualTo(KnownDurable(path, changed)), "nothing is missing that what is left calls durable");
        disk.KillProcess();
        using (var again = OpenMember.Start(disk, options: Options))
        {
            Assert.That(ModelLog.Of(again.Recovered).ToString(), Is.EqualTo(found), "a second start finds the same");
        }
        return last == _map.LastFrame.Header.Frame ? Outcome.Whole : Outcome.Cut;
    }

    /// <summary>What the frame headers that are still in their places say was durable.</summary>
    private long KnownDurable(string path, byte[] changed) => _map.Frames
        .Where(frame => frame.Path != path || (frame.Offset + FrameHeader.Bytes <= changed.Length
            && FrameHeader.TryRead(changed.AsSpan(frame.Offset), LogMap.Identity.FrameSeed, out var header)
            && header == frame.Header))
        .Select(frame => frame.Header.DurableThrough)
        .DefaultIfEmpty(0)
        .Max();

    private static byte[] Change(byte[] contents, DeterministicRandom random)
    {
        if (random.Chance(1, 3))
        {
            return Mutator.Change(contents, random);
        }
        // What a disk does: stretches, often whole sectors, that were lost, are elsewhere, or are another's.
        for (var stretches = random.Next(1, 4); stretches > 0; stretches--)
        {
            var unit = random.Chance(1, 2) ? 512 : 1;
            var count = (int)Math.Min(contents.Length, unit * random.Next(1, unit == 1 ? 200 : 3));
            var at = (int)(random.Next(contents.Length - count + 1) / unit * unit);
            var target = contents.AsSpan(at, count);
            switch (random.Next(4))
            {
                case 0:
                    target.Clear();
                    break;
                case 1:
                    contents.AsSpan((int)random.Next(contents.Length - count + 1), count).CopyTo(target);
                    break;
                case 2:
                    contents.AsSpan(at).Clear();
                    break;
                default:
                    target[(int)random.Next(count)] ^= (byte)(1 << (int)random.Next(8));
                    break;
            }
        }
        return contents;
    }
}
