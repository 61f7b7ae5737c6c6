using Consensus.Api;
using Consensus.Primitives;
using Consensus.Server.Json;
using Consensus.StateMachine.Comparison;

namespace Consensus.Server.Comparison;

/// <summary>The body of a question about ranges of a table.</summary>
internal sealed record TableQuestion(LogIndex Index, string Table, IReadOnlyList<RangeQuestion> Ranges)
{
    private const string OneQuestion = "does not have exactly one of \"parts\", \"cuts\" and \"items\"";

    /// <summary>Null with a sentence when the body is refused.</summary>
    public static TableQuestion? Read(ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        long? index = null;
        string? table = null;
        List<RangeQuestion>? ranges = null;
        while (json.NextField())
        {
            if (json.Is("index"u8, 0))
            {
                index = json.Number(0, long.MaxValue);
            }
            else if (json.Is("table"u8, 1))
            {
                table = json.Text();
            }
            else if (json.Is("ranges"u8, 2))
            {
                ranges = ReadRanges(ref json);
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal
            ?? (index is null ? "the field \"index\" is missing"
                : table is null ? "the field \"table\" is missing"
                : ranges is null or [] ? "the field \"ranges\" is missing or empty"
                : null);
        return refusal is null ? new TableQuestion(new LogIndex(index!.Value), table!, ranges!) : null;
    }

    private static List<RangeQuestion>? ReadRanges(ref StrictObjectReader json)
    {
        if (!json.EnterArray())
        {
            return null;
        }
        var ranges = new List<RangeQuestion>();
        while (json.NextItem())
        {
            if (ranges.Count == ApiLimits.MaxTableRanges)
            {
                json.Refuse($"the field \"ranges\" has more than {ApiLimits.MaxTableRanges} items");
            }
            else if (json.EnterObject())
            {
                ranges.Add(ReadRange(ref json));
            }
            else
            {
                json.Wrong(json.AnObject);
            }
        }
        return ranges;
    }

    private static RangeQuestion ReadRange(ref StrictObjectReader json)
    {
        byte[]? from = null;
        byte[]? to = null;
        long? parts = null;
        List<ReadOnlyMemory<byte>>? cuts = null;
        long? items = null;
        while (json.NextField())
        {
            if (json.Is("from"u8, 0))
            {
                from = json.Base64();
            }
            else if (json.Is("to"u8, 1))
            {
                to = json.Base64();
            }
            else if (json.Is("parts"u8, 2))
            {
                parts = json.Number(1, ApiLimits.MaxTableParts);
            }
            else if (json.Is("cuts"u8, 3))
            {
                cuts = ReadCuts(ref json);
            }
            else if (json.Is("items"u8, 4))
            {
                items = json.Number(1, ApiLimits.MaxTableItems);
            }
            else
            {
                json.Unknown();
            }
        }
        if ((parts is null ? 0 : 1) + (cuts is null ? 0 : 1) + (items is null ? 0 : 1) != 1)
        {
            json.Refuse($"an item of the field \"ranges\" {OneQuestion}");
        }
        return new RangeQuestion(new PlaceRange(PlaceOf(from), PlaceOf(to)), (int)(parts ?? 0), cuts, (int)(items ?? 0));
    }

    private static List<ReadOnlyMemory<byte>>? ReadCuts(ref StrictObjectReader json)
    {
        if (!json.EnterArray())
        {
            return null;
        }
        var cuts = new List<ReadOnlyMemory<byte>>();
        while (json.NextItem())
        {
            if (cuts.Count == ApiLimits.MaxTableParts - 1)
            {
                json.Refuse($"the field \"cuts\" has more than {ApiLimits.MaxTableParts - 1} items");
            }
            else if (json.Base64() is { } cut)
            {
                cuts.Add(cut);
            }
            else
            {
                json.Wrong("base64");
            }
        }
        return cuts;
    }

    /// <summary>No array is no place; an empty one is a place, that of the empty key.</summary>
    private static ReadOnlyMemory<byte>? PlaceOf(byte[]? bytes) => bytes is null ? null : (ReadOnlyMemory<byte>?)bytes;
}
