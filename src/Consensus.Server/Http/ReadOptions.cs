using Consensus.Node;
using Consensus.Primitives;
using Consensus.Translation;

namespace Consensus.Server.Http;

/// <summary>How a read wants to be answered: <c>?consistency=</c> and <c>?minRevision=</c>.</summary>
internal readonly record struct ReadOptions(ReadConsistency Consistency, Revision MinRevision)
{
    public static bool TryRead(QueryParameters query, out ReadOptions options, out Problem? refusal)
    {
        options = default;
        if (!query.TryGetNumber(QueryName.MinRevision, long.MaxValue, out var minRevision, out refusal))
        {
            return false;
        }
        ReadConsistency? consistency = query.Text(QueryName.Consistency) switch
        {
            null or "linearizable" => ReadConsistency.Linearizable,
            "stale" => ReadConsistency.Stale,
            _ => null,
        };
        if (consistency is null)
        {
            refusal = Problem.BadRequest("the query parameter \"consistency\" is neither linearizable nor stale");
            return false;
        }
        options = new ReadOptions(consistency.Value, new Revision(minRevision ?? 0));
        return true;
    }
}
