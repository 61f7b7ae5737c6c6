using System.Buffers.Binary;
using System.Text.Unicode;
using Consensus.Api;
using Consensus.Api.Leases;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.Server.Watches;
using Consensus.Server.Watches.States;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Leases;

/// <summary>GET and HEAD of leases: one, all of them, or a stream of what one becomes.</summary>
internal sealed class LeaseReadEndpoints(IConsensusNode node, JudgedReads reads, ListReader lists, WatchEndpoints watches, Replies replies)
{
    public async Task GetAsync(ApiCall call)
    {
        if (!LeaseEndpoints.TryReadId(call, out var id, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        if (call.Form == MediaForms.EventStream)
        {
            await watches.WatchStateAsync(call, new LeaseSubject(id, call.Actor), Access.ToLifeOf(id), Absent(id));
            return;
        }
        if (!ReadOptions.TryRead(call.Query, out var options, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var read = await reads.ReadAsync(call, options, Access.ToLifeOf(id));
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
            return;
        }
        if (view.GetLease(id, call.Actor) is not { } lease)
        {
            await replies.Problem(call.Http, Problem.NotFound(Absent(id), view.Revision));
            return;
        }
        await replies.Json(call.Http, StatusCodes.Status200OK, DetailOf(lease, view.GetSession(id), Now(view)), ApiJson.Default.LeaseDetailAnswer, view.Revision);
    }

    public async Task ListAsync(ApiCall call)
    {
        var (page, refusal) = await lists.OpenAsync(call, ListKind.Leases, [], Access.ToCluster(SystemRights.Operate));
        if (page is null)
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var view = page.View;
        if (!TryReadLast(page, out var last))
        {
            await replies.Problem(call.Http, Problem.BadRequest("the query parameter \"cursor\" is not one that this query was given"));
            return;
        }
        var now = Now(view);
        var items = new List<LeaseItem>();
        string? nextCursor = null;
        foreach (var lease in view.ListLeases(last))
        {
            if (items.Count == page.Limit)
            {
                nextCursor = lists.Continue(page, ListKind.Leases, Encode(last));
                break;
            }
            items.Add(new LeaseItem(
                lease.Id.ToString(), Millis.Of(lease.TtlMicros), Millis.Left(lease.Deadline, now), lease.KeyCount, lease.HoldCount));
            last = lease.Id;
        }
        var answer = new LeaseListAnswer(items, view.Counts.Leases, view.Revision.Value, nextCursor);
        await replies.Json(call.Http, StatusCodes.Status200OK, answer, ApiJson.Default.LeaseListAnswer, view.Revision);
    }

    private static byte[] Encode(LeaseId last)
    {
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, last.Value);
        return bytes;
    }

    private static bool TryReadLast(ListPage page, out LeaseId last)
    {
        last = LeaseId.None;
        if (page.After is not { } after)
        {
            return true;
        }
        last = after.Length == sizeof(long) ? new LeaseId(BinaryPrimitives.ReadInt64BigEndian(after.Span)) : LeaseId.None;
        return last.Value > 0;
    }

    private static string Absent(LeaseId id) => $"there is no lease {id}";

    internal static LeaseDetailAnswer DetailOf(LeaseInfo lease, SessionInfo? session, ClusterTime now)
    {
        var otherKeys = lease.Keys.Where(key => !Utf8.IsValid(key.Bytes)).Select(key => Convert.ToBase64String(key.Bytes)).ToList();
        return new LeaseDetailAnswer
        {
            Id = lease.Id.ToString(),
            TtlMs = Millis.Of(lease.TtlMicros),
            ExpiresInMs = Millis.Left(lease.Deadline, now),
            Keys = [.. lease.Keys.Where(key => Utf8.IsValid(key.Bytes)).Select(key => key.ToString())],
            KeysBase64 = otherKeys.Count == 0 ? null : otherKeys,
            KeyCount = lease.KeyCount,
            Locks = NamesOf(lease, HoldSpace.Lock),
            Semaphores = NamesOf(lease, HoldSpace.Semaphore),
            Elections = NamesOf(lease, HoldSpace.Election),
            LockCount = lease.HoldCount,
            HiddenNames = lease.HiddenNames == 0 ? null : lease.HiddenNames,
            Session = session is null ? null : new SessionAnswer(session.Highest, session.Acked, session.Answers, session.Version),
        };
    }

    private static List<string> NamesOf(LeaseInfo lease, HoldSpace space) =>
        [.. lease.Holds.Where(hold => hold.Space == space).Select(hold => hold.Name.ToString())];

    /// <summary>The last stamp of the view may be a second old; the member's clock is younger when it has heard its leader since.</summary>
    private ClusterTime Now(StateView view) => ClusterTime.Max(view.AppliedStamp, node.Moment.Now);
}
