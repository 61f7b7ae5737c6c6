namespace Consensus.Client;

/// <summary>One operation of the HTTP API, ready to be sent any number of times.</summary>
internal sealed record ApiRequest
{
    public required HttpMethod Method { get; init; }

    /// <summary>Path and query, percent-encoded, sent as they are.</summary>
    public required string Target { get; init; }

    public ReadOnlyMemory<byte>? Body { get; init; }

    public string ContentType { get; init; } = "application/json";

    public string? IfMatch { get; init; }

    public string? IfNoneMatch { get; init; }

    /// <summary>How long the server itself was asked to wait, in all its slices.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>Its body when the server is asked to wait for that long; null of what does not wait.</summary>
    public Func<TimeSpan, ReadOnlyMemory<byte>>? BodyOfWait { get; init; }

    /// <summary>How long one send of it waits before it is told its place in line instead; null: as long as it takes.</summary>
    public TimeSpan? Slice { get; init; }

    /// <summary>How long the server may take for one send of it because it waits.</summary>
    public TimeSpan LongestWait => Slice ?? Wait;

    /// <summary>This request as one that waits in slices where its wait is longer than one.</summary>
    public ApiRequest InSlices(TimeSpan slice) => Wait <= slice ? this : this with
    {
        Slice = slice,
        Target = QueryText.Append(Target, "poll=" + ClientJson.Text(slice)),
    };

    /// <summary>
    /// This request as one that waits no longer than that. The wait is of its fingerprint: under an identity that a member knows it must
    /// not become another.
    /// </summary>
    public ApiRequest WaitingFor(TimeSpan wait)
    {
        if (BodyOfWait is null || wait >= Wait)
        {
            return this;
        }
        // In whole milliseconds, as requests carry it.
        var left = TimeSpan.FromMilliseconds(Math.Max(0, Math.Floor(wait.TotalMilliseconds)));
        return this with { Wait = left, Body = BodyOfWait(left) };
    }

    public bool IsWrite => Method != HttpMethod.Get;

    /// <summary>
    /// True when a conditional "no" can never turn into a "yes" later: revisions only rise, so a missed If-Match stays missed. For any
    /// other write, a refused retry says nothing about an earlier attempt that may still be on its way.
    /// </summary>
    public bool RefusalIsFinal => !IsWrite || IfMatch is not (null or "*") || RefusalIsLasting;

    /// <summary>As <see cref="RefusalIsFinal"/>, where it is known of the operation.</summary>
    public bool RefusalIsLasting { get; init; }

    /// <summary>False for what can be done twice without a second effect and whose answer must speak of now: a renewal.</summary>
    public bool NeedsIdentity { get; init; } = true;

    /// <summary>Under which a write is sent that needs one; null: one of its own.</summary>
    public RequestIdentity? Identity { get; init; }

    /// <summary>Of a watch: the revision after which it goes on.</summary>
    public long? LastEventId { get; init; }

    public string? Accept { get; init; }

    /// <summary>
    /// What its success looks like; null only for what is read as it comes (<see cref="Transport.HttpTransport.OpenStreamAsync"/>).
    /// </summary>
    public AnswerForm? Form { get; init; }

    /// <summary>
    /// False where "not found" on a retry does not settle an earlier attempt: that one may have removed what the retry looks for, or may still add it.
    /// </summary>
    public bool NotFoundIsFinal { get; init; } = true;

    /// <summary>False where sending it again after it may have taken effect could have a second effect: the server keeps no identity of it.</summary>
    public bool IsRepeatable { get; init; } = true;
}
