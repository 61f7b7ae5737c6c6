namespace Consensus.Security.Audit;

/// <summary>
/// One record of the audit log before it has its place there: who asked for what, from where, and what was decided. It holds no value, body,
/// header or token, because nothing here has room for one.
/// </summary>
/// <param name="Event">What it is of.</param>
/// <param name="Time">When it was made; written in UTC, to the millisecond.</param>
public sealed record AuditRecord(AuditEvent Event, DateTimeOffset Time)
{
    /// <summary>The rights allow it.</summary>
    public const string Allowed = "allowed";

    /// <summary>Whoever asked may not, or is not known.</summary>
    public const string Denied = "denied";

    /// <summary>It is about to be done, unless what it finds stands against it; another record says what came of it.</summary>
    public const string Intent = "intent";

    /// <summary>An object's own memory.</summary>
    private const int OwnBytes = 256;

    /// <summary>Whose name was shown; empty where nobody is asked.</summary>
    public string Principal { get; init; } = "";

    /// <summary>By what it was known: which certificate or token, never its secret.</summary>
    public string Credential { get; init; } = "";

    /// <summary>The other end of the connection, which may be a proxy's.</summary>
    public string Remote { get; init; } = "";

    /// <summary>Of HTTP.</summary>
    public string Method { get; init; } = "";

    /// <summary>The template of the path, such as <c>/v1/locks/{name}</c>; never the target that was sent.</summary>
    public string Route { get; init; } = "";

    /// <summary>Such as <c>locks</c>.</summary>
    public string Space { get; init; } = "";

    /// <summary>Such as <c>hold</c>; empty where no verb goes with the space.</summary>
    public string Verb { get; init; } = "";

    /// <summary>Of the key, lock and the like, in any bytes; cut as <see cref="AuditText"/> does it where it is long.</summary>
    public string Name { get; init; } = "";

    /// <summary>All names that begin with <see cref="Name"/>.</summary>
    public bool IsPrefix { get; init; }

    /// <summary>One of the three constants; empty where nothing was to decide.</summary>
    public string Decision { get; init; } = "";

    /// <summary>To which name the roles were bound by which it was judged; empty where none was.</summary>
    public string Rule { get; init; } = "";

    /// <summary>The HTTP status of the answer; 499 to whoever was gone before it.</summary>
    public int? Status { get; init; }

    /// <summary>The revision that the answer named.</summary>
    public long? Revision { get; init; }

    /// <summary>Up to where this member had applied the log when the record was made, as it last published.</summary>
    public long? Index { get; init; }

    /// <summary>How long the request took; written in milliseconds.</summary>
    public long? DurationMicros { get; init; }

    /// <summary>The <c>Idempotency-Key</c>, as 8 hexadecimal digits of its SHA-256.</summary>
    public string Key { get; init; } = "";

    /// <summary>For how many it stands, where that is not one.</summary>
    public long? Count { get; init; }

    /// <summary>The number of the record that said that it was about to be done.</summary>
    public long? IntentSequence { get; init; }

    /// <summary>Words of this program; nothing that a request had.</summary>
    public string Detail { get; init; } = "";

    /// <summary>About what it takes of memory until it is written.</summary>
    public int HeldBytes => OwnBytes + (2 * (Principal.Length + Credential.Length + Remote.Length + Name.Length + Rule.Length + Detail.Length));
}
