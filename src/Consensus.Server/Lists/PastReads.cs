using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.StateMachine;
using Consensus.Translation;

namespace Consensus.Server.Lists;

/// <summary>Reads of a past revision: <c>?revision=</c>.</summary>
internal static class PastReads
{
    public static bool TryReadRevision(QueryParameters query, out Revision? revision, out Problem? refusal)
    {
        revision = null;
        if (!query.TryGetNumber(QueryName.Revision, long.MaxValue, out var number, out refusal))
        {
            return false;
        }
        if (number is { } given)
        {
            revision = new Revision(given);
            refusal = given == 0 ? Problem.BadRequest("the query parameter \"revision\" is 0; revisions begin above it") : null;
        }
        return refusal is null;
    }

    /// <summary>Null when the view can show the revision: it has reached it, and it is not compacted.</summary>
    public static Problem? Refuse(StateView view, Revision asked)
    {
        if (asked > view.Revision)
        {
            return Problem.BadRequest(
                $"the query parameter \"revision\" is {asked}, and the present revision is {view.Revision}; \"minRevision\" waits for one to come")
                with
            { StateRevision = view.Revision };
        }
        return asked < view.CompactRevision ? Compacted(view, $"revision {asked} is no longer kept; the oldest that is: {view.CompactRevision}") : null;
    }

    public static Problem Compacted(StateView view, string detail) => new(ProblemTypes.Compacted, detail)
    {
        StateRevision = view.Revision,
        CompactRevision = view.CompactRevision.Value,
    };
}
