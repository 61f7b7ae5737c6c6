using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine;

namespace Consensus.Server.Lists;

/// <summary>The view that a page is read from, and where it begins.</summary>
/// <param name="After">The last item of the page before; null for the first page.</param>
internal sealed record ListPage(StateView View, ReadOnlyMemory<byte>? After, int Limit, StateHash Query);

/// <summary>A page, or why there is none.</summary>
internal readonly record struct ListResult(ListPage? Page, Problem? Refusal);

/// <summary>Begins and continues lists, all pages of which show one revision.</summary>
internal sealed class ListReader(IConsensusNode node, PinnedViews views)
{
    public async ValueTask<ListResult> OpenAsync(ApiCall call, ListKind kind, byte[] prefix)
    {
        if (!TryReadParameters(call, out var limit, out var options, out var cursorText, out var refusal))
        {
            return new ListResult(null, refusal);
        }
        var query = ListCursor.DigestOf(node.Status.Cluster, prefix);
        ListCursor? cursor = null;
        if (cursorText is not null)
        {
            if (!ListCursor.TryDecode(cursorText, out var given) || given.Kind != kind || given.Query != query)
            {
                return new ListResult(null, Problem.BadRequest("the query parameter \"cursor\" is not one that this query was given"));
            }
            if (views.Find(given.Revision) is { } pinned)
            {
                await IoThread.Leave();
                return new ListResult(new ListPage(pinned, given.Last, limit, query), null);
            }
            cursor = given;
            options = options with { MinRevision = Max(options.MinRevision, given.Revision) };
        }
        var answer = await node.ReadAsync(options.Consistency, options.MinRevision, CancellationToken.None);
        if (answer.View is not { } view)
        {
            return new ListResult(null, AnswerProblems.Of(answer.Kind, answer.Reason));
        }
        if (cursor is { } wanted && wanted.Revision != view.Revision)
        {
            return new ListResult(null, Compacted(wanted.Revision, view.Revision));
        }
        await IoThread.Leave();
        return new ListResult(new ListPage(view, cursor?.Last, limit, query), null);
    }

    /// <summary>The cursor that continues after <paramref name="last"/>; its view is kept for it.</summary>
    public string Continue(ListPage page, ListKind kind, ReadOnlyMemory<byte> last)
    {
        views.Pin(page.View);
        return new ListCursor(kind, page.View.Revision, page.Query, last).Encode();
    }

    private static bool TryReadParameters(ApiCall call, out int limit, out ReadOptions options, out string? cursor, out Problem? refusal)
    {
        limit = ApiLimits.DefaultListLimit;
        options = default;
        cursor = call.Query.Text(QueryName.Cursor);
        if (!call.Query.TryGetNumber(QueryName.Limit, ApiLimits.MaxListLimit, out var wanted, out refusal)
            || !ReadOptions.TryRead(call.Query, out options, out refusal))
        {
            return false;
        }
        limit = (int)(wanted ?? limit);
        refusal = limit == 0 ? Problem.BadRequest("the query parameter \"limit\" is 0") : null;
        return refusal is null;
    }

    private static Problem Compacted(Revision asked, Revision present) => new(
        ProblemTypes.Compacted, $"the list began at revision {asked}, which this member no longer keeps; begin it again")
    {
        StateRevision = present,
        CompactRevision = present.Value,
    };

    private static Revision Max(Revision a, Revision b) => a > b ? a : b;
}
