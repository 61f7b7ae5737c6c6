namespace Consensus.Server.Http;

/// <summary>Query parameters that some route takes.</summary>
internal enum QueryName
{
    Key,
    KeyBase64,
    Value,
    ValueBase64,
    Prefix,
    Limit,
    Cursor,
    KeysOnly,
    Lease,
    MinRevision,
    Consistency,
    FencingToken,
    Force,
    Verbose,
    Revision,
    FromRevision,
    Prev,
    Index,
    Poll,
    Only,
    After,
}

/// <summary>A set of <see cref="QueryName"/>.</summary>
[Flags]
internal enum QueryNames
{
    None = 0,
    Key = 1 << QueryName.Key | 1 << QueryName.KeyBase64,
    Value = 1 << QueryName.Value | 1 << QueryName.ValueBase64,
    Prefix = 1 << QueryName.Prefix,
    Page = 1 << QueryName.Limit | 1 << QueryName.Cursor,
    KeysOnly = 1 << QueryName.KeysOnly,
    Lease = 1 << QueryName.Lease,
    Read = 1 << QueryName.MinRevision | 1 << QueryName.Consistency,
    Force = 1 << QueryName.Force,
    Release = 1 << QueryName.FencingToken | Force,
    Verbose = 1 << QueryName.Verbose,
    Revision = 1 << QueryName.Revision,
    FromRevision = 1 << QueryName.FromRevision,
    Index = 1 << QueryName.Index,
    Poll = 1 << QueryName.Poll,
    End = 1 << QueryName.Only | 1 << QueryName.After,
    Watch = FromRevision | 1 << QueryName.Prev,
}

internal static class QueryNameText
{
    public const int Count = (int)QueryName.After + 1;

    public static bool TryParse(ReadOnlySpan<byte> text, out QueryName name)
    {
        QueryName? found = text switch
        {
            _ when text.SequenceEqual("key"u8) => QueryName.Key,
            _ when text.SequenceEqual("keyBase64"u8) => QueryName.KeyBase64,
            _ when text.SequenceEqual("value"u8) => QueryName.Value,
            _ when text.SequenceEqual("valueBase64"u8) => QueryName.ValueBase64,
            _ when text.SequenceEqual("prefix"u8) => QueryName.Prefix,
            _ when text.SequenceEqual("limit"u8) => QueryName.Limit,
            _ when text.SequenceEqual("cursor"u8) => QueryName.Cursor,
            _ when text.SequenceEqual("keysOnly"u8) => QueryName.KeysOnly,
            _ when text.SequenceEqual("lease"u8) => QueryName.Lease,
            _ when text.SequenceEqual("minRevision"u8) => QueryName.MinRevision,
            _ when text.SequenceEqual("consistency"u8) => QueryName.Consistency,
            _ when text.SequenceEqual("fencingToken"u8) => QueryName.FencingToken,
            _ when text.SequenceEqual("force"u8) => QueryName.Force,
            _ when text.SequenceEqual("verbose"u8) => QueryName.Verbose,
            _ when text.SequenceEqual("revision"u8) => QueryName.Revision,
            _ when text.SequenceEqual("fromRevision"u8) => QueryName.FromRevision,
            _ when text.SequenceEqual("prev"u8) => QueryName.Prev,
            _ when text.SequenceEqual("index"u8) => QueryName.Index,
            _ when text.SequenceEqual("poll"u8) => QueryName.Poll,
            _ when text.SequenceEqual("only"u8) => QueryName.Only,
            _ when text.SequenceEqual("after"u8) => QueryName.After,
            _ => null,
        };
        name = found.GetValueOrDefault();
        return found is not null;
    }

    public static string Of(QueryName name) => name switch
    {
        QueryName.Key => "key",
        QueryName.KeyBase64 => "keyBase64",
        QueryName.Value => "value",
        QueryName.ValueBase64 => "valueBase64",
        QueryName.Prefix => "prefix",
        QueryName.Limit => "limit",
        QueryName.Cursor => "cursor",
        QueryName.KeysOnly => "keysOnly",
        QueryName.Lease => "lease",
        QueryName.MinRevision => "minRevision",
        QueryName.Consistency => "consistency",
        QueryName.FencingToken => "fencingToken",
        QueryName.Force => "force",
        QueryName.Verbose => "verbose",
        QueryName.Revision => "revision",
        QueryName.FromRevision => "fromRevision",
        QueryName.Prev => "prev",
        QueryName.Index => "index",
        QueryName.Poll => "poll",
        QueryName.Only => "only",
        QueryName.After => "after",
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };
}
