using Consensus.Cli.Commands;

namespace Consensus.Cli.Parsing;

/// <summary>What a command is given by standard input or a file, byte for byte.</summary>
internal static class InputText
{
    public static async Task<byte[]> ReadAllAsync(CommandSession session)
    {
        using var buffer = new MemoryStream();
        await session.Environment.Input.CopyToAsync(buffer, session.Cancellation);
        return buffer.ToArray();
    }

    /// <param name="file">A path; "-" is standard input.</param>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static async Task<byte[]> ReadFileAsync(CommandSession session, string file)
    {
        if (file == "-")
        {
            return await ReadAllAsync(session);
        }
        try
        {
            return await File.ReadAllBytesAsync(file, session.Cancellation);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException(error switch
            {
                FileNotFoundException or DirectoryNotFoundException => $"There is no file '{file}'.",
                _ => $"'{file}' cannot be read: {error.Message.TrimEnd('.')}.",
            });
        }
    }
}
