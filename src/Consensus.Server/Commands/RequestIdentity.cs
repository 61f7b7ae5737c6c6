using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Consensus.Api;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.Translation;
using Microsoft.Extensions.Primitives;

namespace Consensus.Server.Commands;

/// <summary>The identity under which a write may be retried (rule 21): judged in Apply, read here.</summary>
/// <param name="Key">Of its <c>Idempotency-Key</c>; empty when the request has none.</param>
/// <param name="Session">Its number in a session; none when it has none. A request has one of the two at most.</param>
internal readonly record struct RequestIdentity(ReadOnlyMemory<byte> Key, SessionRequest Session)
{
    private const int FingerprintBytes = 16;

    /// <summary>What a key is, for a refusal.</summary>
    public static string KeyWords { get; } = $"1 to {ApiLimits.MaxIdempotencyKeyLength} printable ASCII characters";

    public bool IsNone => Key.IsEmpty && Session.IsNone;

    /// <summary>Whether a request could have come under this key: HTTP takes blanks at the ends of a header's value away.</summary>
    public static bool IsKey(ReadOnlySpan<byte> key) =>
        key.Length is > 0 and <= ApiLimits.MaxIdempotencyKeyLength
        && !key.ContainsAnyExceptInRange((byte)' ', (byte)'~')
        && key[0] != ' '
        && key[^1] != ' ';

    /// <summary>False with the refusal set when one of the two headers is there and is not what it has to be, or both are.</summary>
    public static bool TryRead(ApiCall call, out RequestIdentity identity, out Problem? refusal)
    {
        identity = default;
        refusal = null;
        var headers = call.Http.Request.Headers;
        var values = headers[ApiHeaders.IdempotencyKey];
        var session = headers[ApiHeaders.Session];
        if (session.Count > 0)
        {
            if (values.Count > 0)
            {
                refusal = Problem.BadRequest($"the headers {ApiHeaders.IdempotencyKey} and {ApiHeaders.Session} exclude each other");
                return false;
            }
            refusal = SessionHeader.Read(session, out var number) is { } sentence ? Problem.BadRequest(sentence) : null;
            identity = new RequestIdentity(default, number);
            return refusal is null;
        }
        if (values.Count == 0)
        {
            return true;
        }
        var text = values.Count == 1 ? values[0] ?? "" : "";
        if (text.Length is 0 or > ApiLimits.MaxIdempotencyKeyLength || text.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            refusal = Problem.BadRequest($"the header {ApiHeaders.IdempotencyKey} is not one value of {KeyWords}");
            return false;
        }
        identity = new RequestIdentity(Encoding.ASCII.GetBytes(text), default);
        return true;
    }

    /// <summary>
    /// SHA-256, cut to 16 bytes, over what makes two requests the same: method, resource, query but for <c>poll</c>, conditional headers, body. Parts are taken decoded and the query in a
    /// fixed order, so that two spellings of one request agree; ids that the receiving member draws are no part of it.
    /// </summary>
    public static byte[] Fingerprint(ApiCall call, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, Encoding.ASCII.GetBytes(call.Http.Request.Method));
        Add(hash, Encoding.ASCII.GetBytes(call.Route.ToString()));
        Add(hash, call.Name.Bytes);
        for (var name = (QueryName)0; (int)name < QueryNameText.Count; name++)
        {
            // For how long the answer is waited for now is no part of what is asked.
            if (name != QueryName.Poll && call.Query.Bytes(name) is { } value)
            {
                Add(hash, Encoding.ASCII.GetBytes(QueryNameText.Of(name)));
                Add(hash, value);
            }
        }
        var headers = call.Http.Request.Headers;
        AddHeader(hash, headers.IfMatch);
        AddHeader(hash, headers.IfNoneMatch);
        Add(hash, body);
        return hash.GetHashAndReset()[..FingerprintBytes];
    }

    private static void AddHeader(IncrementalHash hash, StringValues values) => Add(hash, Encoding.UTF8.GetBytes(values.ToString()));

    /// <summary>Each part with its length, so that no two lists of parts look alike.</summary>
    private static void Add(IncrementalHash hash, ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, part.Length);
        hash.AppendData(length);
        hash.AppendData(part);
    }
}
