using System.Globalization;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.Translation;

namespace Consensus.Server.Watches;

/// <summary>Where a watch begins, as its request says it.</summary>
/// <param name="From">The first revision to tell of; null: the next one.</param>
internal readonly record struct WatchParameters(Revision? From, bool WithPrevious, ReadOptions Read)
{
    private const string LastEventId = "Last-Event-ID";

    /// <summary>Reads the query, and <c>Last-Event-ID</c>: what a client sends that was cut off and goes on after the message with that id; it counts more than the query.</summary>
    public static bool TryRead(ApiCall call, out WatchParameters parameters, out Problem? refusal)
    {
        parameters = default;
        if (!ReadOptions.TryRead(call.Query, out var read, out refusal)
            || !call.Query.TryGetNumber(QueryName.FromRevision, long.MaxValue, out var from, out refusal)
            || !call.Query.TryGetSwitch(QueryName.Prev, out var withPrevious, out refusal)
            || !AreOfWatch(call.Query, out refusal))
        {
            return false;
        }
        var last = call.Http.Request.Headers[LastEventId];
        if (last.Count > 0)
        {
            if (last is not [{ } text] || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id == long.MaxValue)
            {
                refusal = Problem.BadRequest($"the header {LastEventId} is not the id of a message: a revision");
                return false;
            }
            from = id + 1;
        }
        refusal = from == 0 ? Problem.BadRequest("the query parameter \"fromRevision\" is 0; revisions begin above it") : null;
        parameters = new WatchParameters(from is { } number ? new Revision(number) : null, withPrevious, read);
        return refusal is null;
    }

    /// <summary>Parameters of a watch beside a plain read are a mistake worth naming.</summary>
    public static bool AreAbsent(QueryParameters query, out Problem? refusal)
    {
        refusal = null;
        foreach (var name in (ReadOnlySpan<QueryName>)[QueryName.FromRevision, QueryName.Prev])
        {
            if (query.Has(name))
            {
                refusal = Problem.BadRequest($"the query parameter \"{QueryNameText.Of(name)}\" belongs to a watch (Accept: text/event-stream)");
            }
        }
        return refusal is null;
    }

    private static bool AreOfWatch(QueryParameters query, out Problem? refusal)
    {
        refusal = null;
        foreach (var name in (ReadOnlySpan<QueryName>)[QueryName.Limit, QueryName.Cursor, QueryName.KeysOnly, QueryName.Revision])
        {
            if (query.Has(name))
            {
                refusal = Problem.BadRequest($"the query parameter \"{QueryNameText.Of(name)}\" does not belong to a watch");
            }
        }
        return refusal is null;
    }
}
