using Consensus.Api.KeyValue;
using Consensus.Api.Watches;

namespace Consensus.Cli.Output;

/// <summary>Keys and values in a table: text, or "base64:…" where the bytes are no text.</summary>
internal static class KeyText
{
    public static string? Key(KeyAnswer item) => Of(item.Key, item.KeyBase64);

    public static string? Value(KeyAnswer item) => Of(item.Value, item.ValueBase64);

    public static string? Key(WatchEventData item) => Of(item.Key, item.KeyBase64);

    public static string? Value(WatchEventData item) => Of(item.Value, item.ValueBase64);

    private static string? Of(string? text, string? base64) => text ?? (base64 is null ? null : "base64:" + base64);
}
