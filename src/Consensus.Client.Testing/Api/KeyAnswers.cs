using System.Text;
using System.Text.Unicode;
using Consensus.Api.KeyValue;
using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Client.Testing.Api;

/// <summary>Keys as a member answers them, which writes them straight from their bytes.</summary>
internal static class KeyAnswers
{
    public static KeyAnswer Of(Key key, KeyRecord record, bool withValue = true)
    {
        var value = withValue ? record.Value : default;
        return new KeyAnswer
        {
            Key = Text(key.Bytes),
            KeyBase64 = Base64(key.Bytes),
            Value = withValue ? Text(value.Span) : null,
            ValueBase64 = withValue ? Base64(value.Span) : null,
            CreateRevision = record.CreateRevision.Value,
            ModRevision = record.ModRevision.Value,
            Version = record.Version,
            Lease = Lease(record.Lease),
        };
    }

    public static KeyAnswer OfPut(Key key, Revision createRevision, Revision modRevision, long version, LeaseId lease) => new()
    {
        Key = Text(key.Bytes),
        KeyBase64 = Base64(key.Bytes),
        CreateRevision = createRevision.Value,
        ModRevision = modRevision.Value,
        Version = version,
        Lease = Lease(lease),
    };

    public static string? Text(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;

    public static string? Base64(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) ? null : Convert.ToBase64String(bytes);

    public static string? Lease(LeaseId lease) => lease.IsNone ? null : lease.ToString();
}
