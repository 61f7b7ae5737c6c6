using Consensus.Primitives;
using Consensus.Simulation.Nodes;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Simulation.Faults;

/// <summary>
/// Flips one bit of a member's log at a place of which a later frame says that it was durable (docs/wal-format.md, "Recovery"): a start must be refused. Then the disk
/// is made good again, as from a copy.
/// </summary>
public static class BitRot
{
    private const string Directory = SimulatedNode.DataPath + "/wal";

    private static ReadOnlySpan<byte> FrameMagic => [0xF7, 0x57, 0x41, 0x4C];

    /// <summary>Ends the process if it runs. False when the log is too short to be damaged surely.</summary>
    public static bool Strike(SimulatedNode node, DeterministicRandom random)
    {
        node.End(EndKind.Killed);
        if (node.Faults.IsFaulty || node.MustRefuse || Choose(node.Disk, random) is not { } place)
        {
            return false;
        }
        var bit = (int)random.Next(8);
        node.Disk.FlipBit(place.Path, place.Offset, bit);
        node.MustRefuse = true;
        var started = node.Start();
        Invariant.Require(!started, "a damaged log is refused, or the start fails the run");
        node.MustRefuse = false;
        node.Disk.FlipBit(place.Path, place.Offset, bit);
        return true;
    }

    private static (string Path, int Offset)? Choose(SimulatedDisk disk, DeterministicRandom random)
    {
        var segments = disk.List(Directory).Where(name => name.EndsWith(".wal", StringComparison.Ordinal)).ToList();
        if (segments.Count == 0)
        {
            return null;
        }
        var chosen = (int)random.Next(segments.Count);
        var path = $"{Directory}/{segments[chosen]}";
        var frames = FramesOf(disk.Contents(path));

        // The last frame of the log may be torn, header and all; the one before was flushed before that was written, and its header says what was before it.
        var witness = chosen == segments.Count - 1 ? frames.Count - 2 : frames.Count - 1;
        return witness < 1 ? null : (path, (int)random.Next(frames[0], frames[witness]));
    }

    private static List<int> FramesOf(ReadOnlySpan<byte> contents)
    {
        var frames = new List<int>();
        for (var from = 0; ;)
        {
            var found = contents[from..].IndexOf(FrameMagic);
            if (found < 0)
            {
                return frames;
            }
            frames.Add(from + found);
            from += found + FrameMagic.Length;
        }
    }
}
