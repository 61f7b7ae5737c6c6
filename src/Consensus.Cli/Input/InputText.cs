using System.Globalization;
using Consensus.Cli.Commands;

namespace Consensus.Cli.Input;

/// <summary>What a command is given by standard input or a file, byte for byte. No more of it is read than the command can use, and a signal ends the wait for it.</summary>
internal static class InputText
{
    /// <param name="most">In bytes; more is a mistake.</param>
    /// <param name="what">For a sentence: "a value".</param>
    /// <exception cref="UsageException">It cannot be read, or it is more than that.</exception>
    public static Task<byte[]> ReadAllAsync(CommandSession session, int most, string what) =>
        ReadAsync(session, () => session.Environment.Input, "Standard input", most, what);

    /// <param name="file">A path; "-" is standard input.</param>
    /// <exception cref="UsageException">As of <see cref="ReadAllAsync"/>.</exception>
    public static async Task<byte[]> ReadFileAsync(CommandSession session, string file, int most, string what)
    {
        if (file == "-")
        {
            return await ReadAllAsync(session, most, what);
        }
        try
        {
            return await ReadAsync(session, () => new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0), $"'{file}'", most, what);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UsageException($"There is no file '{file}'.");
        }
    }

    /// <summary>
    /// On another thread, for neither opening nor reading can be interrupted (a terminal, a pipe into which nobody writes) and a signal must be heard. Should one come first, the
    /// thread is left behind for the short time that is left.
    /// </summary>
    private static async Task<byte[]> ReadAsync(CommandSession session, Func<Stream> open, string source, int most, string what)
    {
        try
        {
            return await Task.Run(() => Read(open(), source, most, what), CancellationToken.None).WaitAsync(session.Cancellation);
        }
        catch (Exception error) when (error is UnauthorizedAccessException || (error is IOException and not (FileNotFoundException or DirectoryNotFoundException)))
        {
            throw new UsageException($"{source} cannot be read: {error.Message.TrimEnd('.')}.");
        }
    }

    private static byte[] Read(Stream stream, string source, int most, string what)
    {
        using (stream)
        {
            using var buffer = new MemoryStream();
            var piece = new byte[64 * 1024];
            // One byte more than there can be says that there is more.
            while (buffer.Length <= most && stream.Read(piece.AsSpan(0, (int)Math.Min(piece.Length, most + 1 - buffer.Length))) is > 0 and var read)
            {
                buffer.Write(piece, 0, read);
            }
            return buffer.Length <= most
                ? buffer.ToArray()
                : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{source} holds more than {most} bytes, and {what} has no more than that."));
        }
    }
}
