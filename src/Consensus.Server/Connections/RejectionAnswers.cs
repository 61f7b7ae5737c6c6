using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Consensus.Server.Connections;

/// <summary>
/// Kestrel refuses requests that it cannot parse (a NUL in the path, a bad header, a line too long) before any of our code runs, with a status and no body. On HTTP/1.1
/// connections this puts the contract's problem body into those answers, just before they are sent.
/// </summary>
internal static class RejectionAnswers
{
    public static void UseRejectionAnswers(this ListenOptions listen) => listen.Use(next => async connection =>
    {
        if (connection.Features.Get<ConnectionStreams>() is not null)
        {
            await next(connection);
            return;
        }
        var transport = connection.Transport;
        connection.Transport = new Duplex(transport.Input, new RejectionWriter(transport.Output));
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Transport = transport;
        }
    });

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

/// <summary>Passes everything on, except an answer of an error status with an empty body that ends its connection.</summary>
internal sealed class RejectionWriter(PipeWriter inner) : PipeWriter
{
    private const int StatusOffset = 9;

    private Memory<byte> _memory;

    private static ReadOnlySpan<byte> StatusLineStart => "HTTP/1.1 "u8;

    private static ReadOnlySpan<byte> EmptyBody => "\r\nContent-Length: 0\r\nConnection: close\r\n"u8;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _memory = inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        ReadOnlySpan<byte> written = _memory.Span[..bytes];
        // One piece of memory may be filled in several steps.
        _memory = _memory[bytes..];
        if (IsRejection(written, out var status))
        {
            // The bytes lie before us but are not advanced over yet: others take their place.
            _memory = default;
            var rejection = Write(status);
            inner.GetSpan(rejection.Length);
            inner.Write(rejection);
            return;
        }
        inner.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(source, cancellationToken);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private static bool IsRejection(ReadOnlySpan<byte> written, out int status)
    {
        status = 0;
        return written.Length > StatusOffset
            && written[StatusOffset] is (byte)'4' or (byte)'5'
            && written.StartsWith(StatusLineStart)
            && written.IndexOf(EmptyBody) > 0
            && Utf8Parser.TryParse(written[StatusOffset..], out status, out _);
    }

    private static byte[] Write(int status)
    {
        var (type, detail) = status switch
        {
            // A request line that is too long holds a key that is too long.
            414 => (ProblemTypes.TooLarge, "the request line is too long"),
            431 => (ProblemTypes.HeadersTooLarge, "the request's headers are too long or too many"),
            408 => (ProblemTypes.RequestTimeout, "the request's headers did not arrive in time"),
            400 => (ProblemTypes.BadRequest, "the request is not well-formed HTTP, or its target holds a byte that has to be percent-encoded (a space, or a letter beyond ASCII), or NUL"),
            _ => (new ProblemType(ProblemTypes.BadRequest.Slug, ProblemTypes.BadRequest.Title, status), "the request is not one that this server understands"),
        };
        var answer = new ProblemAnswer { Type = type.Uri, Title = type.Title, Status = type.Status, Detail = detail };
        var body = JsonSerializer.SerializeToUtf8Bytes(answer, ApiJson.Default.ProblemAnswer);
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {type.Status} {Reason(type.Status)}\r\nContent-Type: {ProblemType.ContentType}\r\nContent-Length: {body.Length}\r\nCache-Control: {Replies.NotKept}\r\nConnection: close\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    private static string Reason(int status) => Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status);
}
