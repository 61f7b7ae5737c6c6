namespace Consensus.Chaos.Machines;

/// <summary>A small file system under one member's data, and a file that fills what is left of it. Where nothing may be mounted it cannot be filled.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _directory;

    public SmallDisk(string directory)
    {
        _directory = directory;
        IsMounted = Shell.Run("mount", "-t", "tmpfs", "-o", "size=768m", "none", directory);
    }

    public bool IsMounted { get; private set; }

    private string Ballast => Path.Combine(_directory, "ballast");

    public void Fill()
    {
        if (!IsMounted)
        {
            return;
        }
        using var file = new FileStream(Ballast, FileMode.Create);
        var block = new byte[1 << 20];
        try
        {
            while (true)
            {
                file.Write(block);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // It is full, which is what was wanted.
        }
    }

    public void Empty()
    {
        if (IsMounted)
        {
            File.Delete(Ballast);
        }
    }

    /// <summary>What is on it goes to the directory beneath it, for whoever looks into a failure. Nothing may write there any more.</summary>
    public void Keep()
    {
        if (!IsMounted)
        {
            return;
        }
        Empty();
        var kept = _directory + ".kept";
        Shell.Run("cp", "-a", _directory, kept);
        Dispose();
        Directory.Delete(_directory, recursive: true);
        Directory.Move(kept, _directory);
    }

    public void Dispose()
    {
        if (IsMounted)
        {
            Shell.Run("umount", "-l", _directory);
            IsMounted = false;
        }
    }
}
