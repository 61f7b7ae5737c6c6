using System.Buffers;
using System.IO.Pipelines;

namespace Consensus.Server.Watches;

/// <summary>What became of messages that were to be written.</summary>
internal enum WriteVerdict
{
    Written,

    /// <summary>Other messages hold all that there is room for; nothing was written.</summary>
    NoRoom,

    /// <summary>The client takes no more.</summary>
    Gone,
}

/// <summary>Writes the messages of one stream to its client, at the client's pace, and counts what it has not taken yet.</summary>
/// <param name="sliceBytes">The most that is written before it is seen whether the client takes it: what its connection or stream has room for.</param>
/// <param name="end">Cuts the client off, from any thread.</param>
internal sealed class MessageWriter(UntakenMessages untaken, PipeWriter output, int sliceBytes, Action end, CancellationToken aborted)
{
    /// <param name="messages">Not changed until this returns.</param>
    public async ValueTask<WriteVerdict> WriteAsync(IReadOnlyList<WatchMessage> messages)
    {
        var bytes = 0L;
        foreach (var message in messages)
        {
            bytes += message.Bytes.Length;
        }
        if (bytes <= UntakenMessages.OwnBytes)
        {
            return await WriteAllAsync(messages);
        }
        if (untaken.TryHold(messages, end) is not { } held)
        {
            return WriteVerdict.NoRoom;
        }
        try
        {
            return await WriteAllAsync(messages);
        }
        finally
        {
            untaken.LetGo(held);
        }
    }

    /// <summary>Until it is worth trying again.</summary>
    public Task RoomAsync() => untaken.RoomAsync(aborted);

    /// <summary>One short message. False when the client takes no more.</summary>
    public ValueTask<bool> WriteShortAsync(ReadOnlyMemory<byte> bytes)
    {
        output.Write(bytes.Span);
        return FlushAsync();
    }

    private async ValueTask<WriteVerdict> WriteAllAsync(IReadOnlyList<WatchMessage> messages)
    {
        var unflushed = 0;
        foreach (var message in messages)
        {
            for (var rest = message.Bytes.AsMemory(); !rest.IsEmpty;)
            {
                var length = Math.Min(sliceBytes - unflushed, rest.Length);
                output.Write(rest.Span[..length]);
                rest = rest[length..];
                unflushed += length;
                if (unflushed == sliceBytes && !await FlushAsync())
                {
                    return WriteVerdict.Gone;
                }
                unflushed %= sliceBytes;
            }
        }
        return unflushed == 0 || await FlushAsync() ? WriteVerdict.Written : WriteVerdict.Gone;
    }

    /// <summary>False when the client takes no more.</summary>
    private async ValueTask<bool> FlushAsync()
    {
        var result = await output.FlushAsync(aborted);
        return !result.IsCompleted && !result.IsCanceled;
    }
}
