using System.Text;
using Consensus.Api;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>
/// A page of roles, principals or revocations. Unlike other lists it is of the present always, each page with the policy's revision: what
/// changed between two pages shows there, and no view is kept of who might do what before.
/// </summary>
/// <param name="After">The last item of the page before; empty: the first page.</param>
internal readonly record struct PolicyPage(ListKind Kind, StateHash Query, int Limit, ReadOnlyMemory<byte> After)
{
    public bool IsFirst => After.IsEmpty;

    public string AfterText => Encoding.UTF8.GetString(After.Span);

    public static bool TryRead(ApiCall call, ListKind kind, ClusterId cluster, out PolicyPage page, out Problem? refusal)
    {
        page = default;
        if (!call.Query.TryGetNumber(QueryName.Limit, ApiLimits.MaxListLimit, out var wanted, out refusal))
        {
            return false;
        }
        if (wanted == 0)
        {
            refusal = Problem.BadRequest("the query parameter \"limit\" is 0");
            return false;
        }
        var query = ListCursor.DigestOf(cluster, []);
        var after = ReadOnlyMemory<byte>.Empty;
        if (call.Query.Text(QueryName.Cursor) is { } text)
        {
            if (!ListCursor.TryDecode(text, out var cursor) || cursor.Kind != kind || cursor.Query != query)
            {
                refusal = Problem.BadRequest("the query parameter \"cursor\" is not one that this query was given");
                return false;
            }
            after = cursor.Last;
        }
        page = new PolicyPage(kind, query, (int)(wanted ?? ApiLimits.DefaultListLimit), after);
        return true;
    }

    /// <summary>Takes what has room on the page.</summary>
    /// <param name="items">From after <see cref="After"/> on.</param>
    /// <param name="bytesOf">How much of the page it takes, about.</param>
    /// <param name="nextCursor">Null when that is all.</param>
    public List<T> Take<T>(IEnumerable<T> items, Func<T, int> bytesOf, Func<T, byte[]> nameOf, out string? nextCursor)
    {
        nextCursor = null;
        var taken = new List<T>();
        long bytes = 0;
        foreach (var item in items)
        {
            if (taken.Count == Limit || bytes >= ApiLimits.MaxPageBytes)
            {
                nextCursor = new ListCursor(Kind, new Revision(1), Query, 0, nameOf(taken[^1])).Encode();
                break;
            }
            taken.Add(item);
            bytes += bytesOf(item);
        }
        return taken;
    }
}
