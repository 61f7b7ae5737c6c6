using System.Buffers;
using System.IO.Pipelines;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Routing;
using Consensus.Translation;
using Microsoft.AspNetCore.Http.Features;

namespace Consensus.Server.Http;

/// <summary>A request's body, or why it was refused.</summary>
internal readonly record struct BodyResult(byte[] Bytes, Problem? Refusal);

/// <summary>
/// Reads bodies whole, up to a limit, whatever their Content-Type says. No memory is taken on the word of a Content-Length: a buffer grows with what came, to at most four
/// times of it, and <see cref="UnfinishedBodies"/> bounds all of them together.
/// </summary>
internal static class RequestBody
{
    private const int SmallestBuffer = 4096;

    /// <summary>The buffer has at most so many times the bytes that came: twice would copy a large body more often, and declared lengths are mostly true.</summary>
    private const int Growth = 4;

    /// <param name="maxBytes">A longer body is refused without reading it, or at the byte past the limit.</param>
    /// <param name="what">For the refusal: <c>the value</c>, <c>the request</c>.</param>
    /// <exception cref="BadHttpRequestException">The body is badly framed, or the client went away.</exception>
    public static ValueTask<BodyResult> ReadAsync(ApiCall call, int maxBytes, string what)
    {
        var declared = call.Http.Request.ContentLength;
        if (declared > maxBytes)
        {
            return ValueTask.FromResult(new BodyResult([], TooLong(what, maxBytes, declared)));
        }
        if (declared == 0)
        {
            return ValueTask.FromResult(new BodyResult([], null));
        }
        var reader = call.Http.Request.BodyReader;
        ReadResult? first = reader.TryRead(out var read) ? read : null;
        return first is { IsCompleted: true }
            ? ValueTask.FromResult(TakeWhole(reader, read.Buffer, declared, maxBytes, what))
            : CollectAsync(call, reader, first, maxBytes, what);
    }

    /// <summary>For a request that takes no body but may be sent an empty one, or a small one that says nothing.</summary>
    public static bool IsAbsent(HttpContext http) => http.Request.ContentLength is null or 0 && http.Request.Headers.TransferEncoding.Count == 0;

    /// <summary>False for a request that is known by its head to have no body.</summary>
    public static bool IsPossible(HttpContext http) => http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true;

    /// <summary>It came with its head, so the connection's buffer, which is small, holds all of it.</summary>
    private static BodyResult TakeWhole(PipeReader reader, in ReadOnlySequence<byte> body, long? declared, int maxBytes, string what)
    {
        var result = body.Length > maxBytes ? new BodyResult([], TooLong(what, maxBytes, null)) : Whole(body.ToArray(), declared);
        reader.AdvanceTo(body.End);
        return result;
    }

    /// <param name="first">What came with the head; null when nothing did.</param>
    private static async ValueTask<BodyResult> CollectAsync(ApiCall call, PipeReader reader, ReadResult? first, int maxBytes, string what)
    {
        var declared = call.Http.Request.ContentLength;
        using var unfinished = call.Bodies.Begin(call.Http, reader);
        if (unfinished is null)
        {
            if (first is { } unread)
            {
                reader.AdvanceTo(unread.Buffer.End);
            }
            return NoRoom(call.Bodies, declared);
        }
        byte[] bytes = [];
        var filled = 0;
        for (var read = first ?? await reader.ReadAsync(); ; read = await reader.ReadAsync())
        {
            var arrived = filled + read.Buffer.Length;
            if (arrived > maxBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return new BodyResult([], TooLong(what, maxBytes, null));
            }
            if (arrived > bytes.Length && !TryGrow(unfinished, ref bytes, filled, (int)arrived, (int)(declared ?? maxBytes)))
            {
                reader.AdvanceTo(read.Buffer.End);
                return NoRoom(call.Bodies, declared);
            }
            read.Buffer.CopyTo(bytes.AsSpan(filled));
            filled = (int)arrived;
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return Whole(filled == bytes.Length ? bytes : bytes.AsSpan(0, filled).ToArray(), declared);
            }
            if (read.IsCanceled)
            {
                return TooSlow(call.Bodies);
            }
        }
    }

    /// <summary>Both arrays are there while one is copied, and both count.</summary>
    private static bool TryGrow(UnfinishedBody unfinished, ref byte[] bytes, int filled, int needed, int most)
    {
        var length = (int)Math.Max(needed, Math.Min(most, Math.Max(SmallestBuffer, (long)needed * Growth)));
        if (!unfinished.TryHold(length))
        {
            return false;
        }
        var larger = GC.AllocateUninitializedArray<byte>(length);
        bytes.AsSpan(0, filled).CopyTo(larger);
        unfinished.LetGo(bytes.Length);
        bytes = larger;
        return true;
    }

    private static BodyResult Whole(byte[] bytes, long? declared) => declared is null || declared == bytes.Length
        ? new BodyResult(bytes, null)
        : new BodyResult([], Problem.BadRequest("the request body ended early") with { ClosesConnection = true });

    private static BodyResult NoRoom(UnfinishedBodies bodies, long? declared) => new([], new Problem(
        ProblemTypes.TooManyRequests,
        $"unfinished request bodies hold the {bodies.MaxBytes} bytes that this member has for them; nothing was done. A small body that comes together with its head needs none of them")
    {
        RetryAfterSeconds = bodies.SecondsUntilRoom(),
        // What is left of a body of unknown length may never end.
        ClosesConnection = declared is null,
    });

    private static BodyResult TooSlow(UnfinishedBodies bodies) => new([], new Problem(
        ProblemTypes.RequestTimeout, $"the request's body did not come whole within {bodies.TimeLimit.TotalSeconds:0.#} s; nothing was done")
    {
        ClosesConnection = true,
    });

    private static Problem TooLong(string what, int maxBytes, long? length)
    {
        var size = length is { } known ? $"{known} bytes" : $"more than {maxBytes} bytes";
        // A little too much is read past, so that the connection can be used again; more than any request may have is not.
        return Problem.TooLarge($"{what} has {size}; at most {maxBytes} are taken") with
        {
            ClosesConnection = length is not { } bytes || bytes > ApiLimits.MaxRequestBytes,
        };
    }
}
