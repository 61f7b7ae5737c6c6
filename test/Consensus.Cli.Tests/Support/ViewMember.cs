using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Cli.Checks;
using Consensus.Client;
using Consensus.Server.Comparison;
using Consensus.StateMachine;
using Consensus.StateMachine.Comparison;

namespace Consensus.Cli.Tests.Support;

/// <summary>A member that answers questions about the tables of a view, as the server does.</summary>
internal sealed class ViewMember(string name, StateView view) : IComparedMember
{
    private readonly IReadOnlyList<ComparedTable> _tables = ComparedTables.Of(view);

    public string Name => name;

    public int Questions { get; private set; }

    /// <summary>Bytes of the largest answer.</summary>
    public int LargestAnswer { get; private set; }

    /// <summary>Takes the place of an answer, or null for the real one.</summary>
    public Func<string, TableRangesAnswer, ApiResult<TableRangesAnswer>?> OnAnswer { get; set; } = (_, _) => null;

    public StateTablesAnswer Tables(long index) =>
        new(name, index, [.. _tables.Select(table => new StateTableAnswer(table.Name, table.Sum.Count, TableAnswers.Text(table.Sum.Digest)))]);

    public Task<ApiResult<TableRangesAnswer>> AskAsync(string table, IReadOnlyList<TableRangeRequest> ranges, CancellationToken cancellationToken)
    {
        var answer = Answer(new TableRangesRequest(1, table, ranges));
        return Task.FromResult(OnAnswer(table, answer) ?? ApiResult<TableRangesAnswer>.Of(answer, ""));
    }

    public TableRangesAnswer Answer(TableRangesRequest question)
    {
        Questions++;
        var ranges = question.Ranges.Select(range => new RangeQuestion(
            new PlaceRange(Place(range.From), Place(range.To)), range.Parts ?? 0, range.Cuts?.Select(cut => Place(cut)!.Value).ToList(), range.Items ?? 0)).ToList();
        Assert.That(ranges, Has.Count.InRange(1, ApiLimits.MaxTableRanges));
        Assert.That(ranges.TrueForAll(range =>
            range.Parts <= ApiLimits.MaxTableParts && (range.Cuts?.Count ?? 0) < ApiLimits.MaxTableParts && range.Items <= ApiLimits.MaxTableItems));
        var table = _tables.Single(table => table.Name == question.Table);
        Assert.That(ranges.SelectMany(range => range.Places).All(table.IsPlace));
        var answer = new TableRangesAnswer(name, question.Index, question.Table, new TableAnswers(table).Of(ranges));
        LargestAnswer = Math.Max(LargestAnswer, JsonSerializer.SerializeToUtf8Bytes(answer, ApiJson.Default.TableRangesAnswer).Length);
        return answer;
    }

    public (long Count, string Digest) SumOf(string table)
    {
        var found = _tables.Single(each => each.Name == table).Sum;
        return (found.Count, TableAnswers.Text(found.Digest));
    }

    private static ReadOnlyMemory<byte>? Place(string? text) => text is null ? null : (ReadOnlyMemory<byte>?)Convert.FromBase64String(text);
}
