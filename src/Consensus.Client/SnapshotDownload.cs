using System.Buffers;
using System.Net.Sockets;

namespace Consensus.Client;

/// <summary>A backup on its way from a member. One reader; dispose it to let go of the connection.</summary>
public sealed class SnapshotDownload : IDisposable
{
    private const int BufferBytes = 128 << 10;

    private readonly HttpResponseMessage _response;
    private readonly TimeSpan _patience;

    internal SnapshotDownload(Uri endpoint, HttpResponseMessage response, TimeSpan patience) =>
        (Endpoint, _response, _patience) = (endpoint, response, patience);

    /// <summary>Of the member that sends it.</summary>
    public Uri Endpoint { get; }

    /// <summary>Hands on all of it, in order. Null when it came to its end; else one sentence about how it broke off.</summary>
    /// <param name="take">Takes bytes that are valid until it returns; what it throws comes out of here.</param>
    public async Task<string?> ReadAsync(Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(take);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            var content = await _response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            while (true)
            {
                var (count, failure) = await ReadSomeAsync(content, buffer, cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    return failure;
                }
                take(buffer.AsMemory(0, count));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Lets go of the connection.</summary>
    public void Dispose() => _response.Dispose();

    private async Task<(int Count, string? Failure)> ReadSomeAsync(Stream content, byte[] buffer, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_patience);
        try
        {
            return (await content.ReadAsync(buffer, deadline.Token).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (0, $"{Endpoint.Authority} sent nothing more for {_patience.TotalSeconds:0.#} s before the snapshot's end.");
        }
        catch (Exception error) when (error is IOException or HttpRequestException or SocketException && !cancellationToken.IsCancellationRequested)
        {
            return (0, $"{Endpoint.Authority} closed the connection before the snapshot's end.");
        }
    }
}
