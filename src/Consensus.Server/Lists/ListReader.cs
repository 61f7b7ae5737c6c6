using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Hosting;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Lists;

/// <summary>The view that a page is read from, and where it begins.</summary>
/// <param name="At">The revision that all pages show; for lists that history does not have, the view's own.</param>
/// <param name="After">The last item of the page before; null for the first page.</param>
/// <param name="Count">What the first page counted; null on the first page.</param>
internal sealed record ListPage(StateView View, Revision At, ReadOnlyMemory<byte>? After, int Limit, StateHash Query, long? Count);

/// <summary>A page, or why there is none.</summary>
internal readonly record struct ListResult(ListPage? Page, Problem? Refusal);

/// <summary>
/// Begins and continues lists, all pages of which show one revision: those of keys by the history, at any member; those of leases, holds and fences, which have none, by
/// views that the member of the first page keeps.
/// </summary>
internal sealed class ListReader(IConsensusNode node, JudgedReads reads, PinnedViews views)
{
    /// <summary>A page of a list of which this member keeps views.</summary>
    /// <param name="access">What it needs to be told, by the policy of each page's own moment.</param>
    public async ValueTask<ListResult> OpenAsync(ApiCall call, ListKind kind, byte[] prefix, Access access)
    {
        if (!TryReadParameters(call, kind, prefix, out var limit, out var options, out var given, out var refusal))
        {
            return new ListResult(null, refusal);
        }
        var query = ListCursor.DigestOf(node.Moment.Cluster, prefix);
        if (given is { } cursor)
        {
            if (views.Find(cursor.Revision) is { } pinned)
            {
                var forbidden = await reads.RefusalNowAsync(call, options, access);
                await IoThread.Leave();
                return forbidden is null
                    ? new ListResult(new ListPage(pinned, pinned.Revision, cursor.Last, limit, query, cursor.Count), null)
                    : new ListResult(null, forbidden);
            }
            options = options with { MinRevision = Max(options.MinRevision, cursor.Revision) };
        }
        var read = await reads.ReadAsync(call, options, access);
        if (read.View is not { } view)
        {
            return new ListResult(null, read.Refusal);
        }
        if (given is { } wanted && wanted.Revision != view.Revision)
        {
            return new ListResult(null, Gone(wanted.Revision, view.Revision, view.Revision));
        }
        await IoThread.Leave();
        return new ListResult(new ListPage(view, view.Revision, given?.Last, limit, query, given?.Count), null);
    }

    /// <summary>A page of keys: of the present, of the cursor's revision, or of <c>?revision=</c>.</summary>
    public async ValueTask<ListResult> OpenHistoryAsync(ApiCall call, byte[] prefix)
    {
        if (!TryReadParameters(call, ListKind.Keys, prefix, out var limit, out var options, out var given, out var refusal)
            || !PastReads.TryReadRevision(call.Query, out var asked, out refusal))
        {
            return new ListResult(null, refusal);
        }
        if (given is not null && asked is not null)
        {
            return new ListResult(null, Problem.BadRequest("the query parameters \"cursor\" and \"revision\" are given together; a cursor has its own"));
        }
        // What a revision holds never changes: only that this member has reached it is asked for.
        var access = Access.ToPrefix(Spaces.Keys, Verbs.Read, new Key(prefix));
        var read = given is { } cursor
            ? await reads.ReadUnchangingAsync(call, options with { MinRevision = Max(options.MinRevision, cursor.Revision) }, access)
            : await reads.ReadAsync(call, options, access);
        if (read.View is not { } view)
        {
            return new ListResult(null, read.Refusal);
        }
        var at = given?.Revision ?? asked ?? view.Revision;
        if (given is not null && at < view.CompactRevision)
        {
            return new ListResult(null, Gone(at, view.Revision, view.CompactRevision));
        }
        if (PastReads.Refuse(view, at) is { } problem)
        {
            return new ListResult(null, problem);
        }
        await IoThread.Leave();
        var query = ListCursor.DigestOf(node.Moment.Cluster, prefix);
        return new ListResult(new ListPage(view, at, given?.Last, limit, query, given?.Count), null);
    }

    /// <summary>The cursor that continues after <paramref name="last"/>; of lists without history its view is kept for it.</summary>
    /// <param name="count">Of all pages, where that is told.</param>
    public string Continue(ListPage page, ListKind kind, ReadOnlyMemory<byte> last, long count = 0)
    {
        if (kind != ListKind.Keys)
        {
            views.Pin(page.View);
        }
        return new ListCursor(kind, page.At, page.Query, count, last).Encode();
    }

    private bool TryReadParameters(
        ApiCall call, ListKind kind, byte[] prefix, out int limit, out ReadOptions options, out ListCursor? cursor, out Problem? refusal)
    {
        limit = ApiLimits.DefaultListLimit;
        options = default;
        cursor = null;
        if (!call.Query.TryGetNumber(QueryName.Limit, ApiLimits.MaxListLimit, out var wanted, out refusal)
            || !ReadOptions.TryRead(call.Query, out options, out refusal))
        {
            return false;
        }
        limit = (int)(wanted ?? limit);
        if (limit == 0)
        {
            refusal = Problem.BadRequest("the query parameter \"limit\" is 0");
        }
        else if (call.Query.Text(QueryName.Cursor) is { } text)
        {
            var isOurs = ListCursor.TryDecode(text, out var given)
                && given.Kind == kind
                && given.Query == ListCursor.DigestOf(node.Moment.Cluster, prefix);
            refusal = isOurs ? null : Problem.BadRequest("the query parameter \"cursor\" is not one that this query was given");
            cursor = isOurs ? given : null;
        }
        return refusal is null;
    }

    private static Problem Gone(Revision asked, Revision present, Revision oldest) => new(
        ProblemTypes.Compacted, $"the list began at revision {asked}, which is no longer kept here; begin it again")
    {
        StateRevision = present,
        CompactRevision = oldest.Value,
    };

    private static Revision Max(Revision a, Revision b) => a > b ? a : b;
}
