using System.Globalization;
using System.Text;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.StateMachine.Comparison;

namespace Consensus.Server.Comparison;

/// <summary>Answers questions about ranges of one table, as many as fit into one answer.</summary>
internal sealed class TableAnswers(ComparedTable table)
{
    private int _bytes;

    public static string Text(ulong digest) => digest.ToString("x16", CultureInfo.InvariantCulture);

    public List<TableRangeAnswer> Of(IReadOnlyList<RangeQuestion> questions)
    {
        var answers = new List<TableRangeAnswer>();
        foreach (var question in questions)
        {
            if (answers.Count > 0 && _bytes > ApiLimits.MaxTableAnswerBytes)
            {
                break;
            }
            answers.Add(Of(question));
        }
        return answers;
    }

    private TableRangeAnswer Of(RangeQuestion question)
    {
        if (question.Items > 0)
        {
            return List(question.Range, question.Items);
        }
        var cuts = question.Cuts ?? table.Cut(question.Range, question.Parts);
        var sums = new List<TableSumAnswer>(cuts.Count + 1);
        var from = question.Range.From;
        foreach (var cut in cuts)
        {
            sums.Add(SumOf(new PlaceRange(from, cut)));
            from = cut;
        }
        sums.Add(SumOf(question.Range with { From = from }));
        return new TableRangeAnswer { Cuts = question.Cuts is null ? [.. cuts.Select(Place)] : null, Sums = sums };
    }

    private TableRangeAnswer List(PlaceRange range, int most)
    {
        var items = new List<TableItemAnswer>();
        foreach (var item in table.Items(range))
        {
            if (items.Count == most || (items.Count > 0 && _bytes > ApiLimits.MaxTableAnswerBytes))
            {
                return new TableRangeAnswer { Items = items, More = true };
            }
            items.Add(new TableItemAnswer(Place(item.Place), Text(item.Digest), item.Name, item.Content));
            _bytes += Encoding.UTF8.GetByteCount(item.Name) + Encoding.UTF8.GetByteCount(item.Content);
        }
        return new TableRangeAnswer { Items = items };
    }

    private TableSumAnswer SumOf(PlaceRange range)
    {
        var sum = table.SumOf(range);
        return new TableSumAnswer(sum.Count, Text(sum.Digest));
    }

    private string Place(ReadOnlyMemory<byte> place)
    {
        var text = Convert.ToBase64String(place.Span);
        _bytes += text.Length;
        return text;
    }
}
