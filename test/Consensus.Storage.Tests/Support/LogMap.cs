using Consensus.Storage.Format;
using Consensus.Storage.Log;
using Consensus.Storage.Tests.Simulation;

namespace Consensus.Storage.Tests.Support;

/// <summary>Where one frame is.</summary>
internal sealed record FramePlace(string Path, int Offset, FrameHeader Header)
{
    public int End => Offset + (int)Header.TotalBytes;

    public bool IsEmpty => Header.PayloadBytes == 0;
}

/// <summary>Where everything is in the log of an undamaged data directory.</summary>
internal sealed record LogMap(IReadOnlyList<string> Paths, IReadOnlyList<FramePlace> Frames)
{
    public static readonly StorageIdentity Identity = new(Make.Cluster, Make.Self, Make.Incarnation);

    public string LastPath => Paths[^1];

    public FramePlace LastFrame => Frames[^1];

    public static LogMap Of(SimulatedDisk disk)
    {
        var directory = OpenMember.Root + "/wal";
        var paths = disk.List(directory).Select(name => $"{directory}/{name}").ToArray();
        var frames = new List<FramePlace>();
        foreach (var path in paths)
        {
            var bytes = disk.Contents(path);
            var first = bytes.AsSpan().IndexOf(FrameHeader.Magic);
            for (var at = first; at >= 0 && FrameHeader.TryRead(bytes.AsSpan(at), Identity.FrameSeed, out var header); at = frames[^1].End)
            {
                frames.Add(new FramePlace(path, at, header));
            }
        }
        return new LogMap(paths, frames);
    }
}
