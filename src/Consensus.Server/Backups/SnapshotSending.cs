using System.IO.Pipelines;
using Consensus.Node.Ports;
using Consensus.Server.Hosting;

namespace Consensus.Server.Backups;

/// <summary>
/// Sends what a blocking encoder writes: it runs on a thread of its own and is at most a MiB ahead of the client, so that neither a request's thread nor the memory pays for a
/// large state or a slow client.
/// </summary>
internal static class SnapshotSending
{
    private const int MaxAheadBytes = 1 << 20;
    private const int FlushEveryBytes = 64 << 10;

    /// <summary>Comes back when all is handed to <paramref name="to"/>. Throws what the encoder throws, and <see cref="OperationCanceledException"/> when the client goes away.</summary>
    /// <param name="mayGoOn">Asked before each part of it, which has some 64 KiB.</param>
    /// <returns>False when it may not go on, and a part is missing.</returns>
    public static async Task<bool> RunAsync(
        Func<Action<ReadOnlySpan<byte>>, long> encode, PipeWriter to, Func<bool> mayGoOn, CancellationToken aborted)
    {
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: MaxAheadBytes, resumeWriterThreshold: MaxAheadBytes / 2, minimumSegmentSize: FlushEveryBytes, useSynchronizationContext: false));
        var thread = GuardedThread.Of("consensus-snapshot", () => Encode(encode, pipe.Writer, aborted), ProcessEnd.Now);
        thread.Start();
        try
        {
            while (true)
            {
                var read = await pipe.Reader.ReadAsync(aborted);
                foreach (var part in read.Buffer)
                {
                    if (!mayGoOn())
                    {
                        return false;
                    }
                    var flushed = await to.WriteAsync(part, aborted);
                    if (flushed.IsCompleted)
                    {
                        throw new OperationCanceledException("the client went away");
                    }
                }
                pipe.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return true;
                }
            }
        }
        finally
        {
            // Lets an encoder that waits for room go on to its end.
            await pipe.Reader.CompleteAsync();
        }
    }

    private static void Encode(Func<Action<ReadOnlySpan<byte>>, long> encode, PipeWriter writer, CancellationToken aborted)
    {
        Exception? failure = null;
        try
        {
            encode(bytes =>
            {
                bytes.CopyTo(writer.GetSpan(bytes.Length));
                writer.Advance(bytes.Length);
                if (writer.UnflushedBytes >= FlushEveryBytes)
                {
                    Flush(writer, aborted);
                }
            });
            Flush(writer, aborted);
        }
        catch (Exception e)
        {
            failure = e;
        }
        writer.Complete(failure);
    }

    /// <summary>Blocks this thread, which is the encoder's own, while the client is behind.</summary>
    private static void Flush(PipeWriter writer, CancellationToken aborted)
    {
        var flush = writer.FlushAsync(aborted);
        var result = flush.IsCompletedSuccessfully ? flush.Result : flush.AsTask().GetAwaiter().GetResult();
        if (result.IsCompleted)
        {
            throw new OperationCanceledException("nobody takes the snapshot any more");
        }
    }
}
