using System.Globalization;
using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Commands;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Comparison;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Comparison;

/// <summary>
/// <c>/v1/statehash/tables</c>, for an operator's check of what differs between members. GET tells what this member's tables have at one log index, and keeps that state for a
/// while; POST asks about ranges of one of them.
/// </summary>
internal sealed class StateTableEndpoints(IConsensusNode node, JudgedReads reads, ComparedViews views, Replies replies)
{
    private const int RetryAfterSeconds = 10;

    public async Task GetAsync(ApiCall call)
    {
        if (!call.Query.TryGetNumber(QueryName.Index, long.MaxValue, out var asked, out var refusal) || asked is null)
        {
            await replies.Problem(call.Http, refusal ?? Problem.BadRequest("the query parameter \"index\" is missing"));
            return;
        }
        var index = new LogIndex(asked.Value);
        var answer = await node.ViewAtAsync(index);
        await IoThread.Leave();
        await (answer is not { Kind: AnswerKind.Done, View: { } view } ? replies.Problem(call.Http, ProblemOf(answer, index))
            : !views.TryPin(view) ? replies.Problem(call.Http, NoRoom)
            : replies.Json(
                call.Http,
                StatusCodes.Status200OK,
                new StateTablesAnswer(node.Status.Name, index.Value, [.. ComparedTables.Of(view).Select(Of)]),
                ApiJson.Default.StateTablesAnswer,
                view.Revision));
    }

    public async Task AskAsync(ApiCall call)
    {
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(call.Http, problem);
            return;
        }
        await IoThread.Leave();
        if (TableQuestion.Read(body, out var sentence) is not { } question)
        {
            await replies.Problem(call.Http, Problem.BadRequest(sentence!));
            return;
        }
        if ((await reads.ReadAsync(call, default, Access.ToCluster(SystemRights.Administer))).Refusal is { } forbidden)
        {
            await replies.Problem(call.Http, forbidden);
            return;
        }
        if (views.Find(question.Index) is not { } view)
        {
            await replies.Problem(call.Http, new Problem(ProblemTypes.Compacted, string.Create(
                CultureInfo.InvariantCulture, $"this member does not keep its state at index {question.Index}, or not any more: ask for its tables at an index first")));
            return;
        }
        var table = ComparedTables.Of(view).FirstOrDefault(table => table.Name == question.Table);
        if (Refuse(table, question) is { } refusal)
        {
            await replies.Problem(call.Http, Problem.BadRequest(refusal));
            return;
        }
        await replies.Json(
            call.Http,
            StatusCodes.Status200OK,
            new TableRangesAnswer(node.Status.Name, question.Index.Value, question.Table, new TableAnswers(table!).Of(question.Ranges)),
            ApiJson.Default.TableRangesAnswer,
            view.Revision,
            isLargeOwed: false);
    }

    private static StateTableAnswer Of(ComparedTable table) => new(table.Name, table.Sum.Count, TableAnswers.Text(table.Sum.Digest));

    private static string? Refuse(ComparedTable? table, TableQuestion question) =>
        table is null ? "the field \"table\" does not name one of the tables"
        : question.Ranges.SelectMany(range => range.Places).All(table.IsPlace) ? null
        : "the field \"ranges\" has a place that is none of this table";

    private static Problem NoRoom => new(ProblemTypes.TooManyRequests, $"{ComparedViews.Capacity} states of this member are being compared already")
    {
        RetryAfterSeconds = RetryAfterSeconds,
    };

    private static Problem ProblemOf(in ViewAnswer answer, LogIndex index) => answer.Reason switch
    {
        NotDoneReason.None => new Problem(ProblemTypes.Compacted, string.Create(
            CultureInfo.InvariantCulture, $"this member is past index {index}; it is at {answer.Newest}, and the state between two entries can be seen only while it is there")),
        NotDoneReason.NotReady => Problem.NotReady(string.Create(
            CultureInfo.InvariantCulture, $"this member has not applied index {index} yet; it is at {answer.Newest}")),
        _ => AnswerProblems.Of(answer.Kind, answer.Reason),
    };
}
