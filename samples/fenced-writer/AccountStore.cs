using System.Globalization;

namespace Consensus.Samples.FencedWriter;

/// <summary>
/// A store outside the cluster: one balance in a file, with the highest fencing token that ever wrote it. Every access has the file to itself, so the comparison of the token
/// and the write are one step: that is what a fence needs.
/// </summary>
internal sealed class AccountStore(string path)
{
    private const long Nobody = 0;

    public long ReadBalance()
    {
        using var file = Open();
        return Read(file).Balance;
    }

    /// <param name="token">The writer's fencing token; null writes without asking.</param>
    /// <returns>False when a holder of a higher token has written: nothing was written.</returns>
    public bool WriteBalance(long balance, long? token)
    {
        using var file = Open();
        var highest = Read(file).HighestToken;
        if (token < highest)
        {
            return false;
        }
        file.SetLength(0);
        using var writer = new StreamWriter(file);
        writer.Write(string.Create(CultureInfo.InvariantCulture, $"{balance} {Math.Max(highest, token ?? Nobody)}"));
        return true;
    }

    private static (long Balance, long HighestToken) Read(FileStream file)
    {
        using var reader = new StreamReader(file, leaveOpen: true);
        var parts = reader.ReadToEnd().Split(' ');
        return parts.Length < 2
            ? (0, Nobody)
            : (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private FileStream Open()
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                // Another process has it.
                Thread.Sleep(5);
            }
        }
    }
}
