using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

public sealed partial class StateView
{
    /// <summary>What happened under a session since it had a version, by its holds and places; null when there is no such session.</summary>
    /// <param name="since">0 asks for all that there is, and for nothing that ended.</param>
    /// <param name="after">Where to go on with what began: <see cref="SessionNews.Next"/> of the answer before, or <paramref name="since"/>.</param>
    public SessionNews? GetSessionNews(LeaseId id, long since, long after, NewsRoom room)
    {
        if (!Tables.Sessions.Sessions.TryGet(id, out var session))
        {
            return null;
        }
        var left = room.Size;
        var isCut = false;
        ImmutableArray<(SessionPart, SessionEnd)> ended = since == 0 ? [] : EndedSince(id, since, room, ref left, out isCut);
        var mustList = since != 0 && (isCut || since < session.Forgotten || since > session.Version);
        var began = ImmutableArray.CreateBuilder<SessionPart>();
        var mustRenew = false;
        long? next = null;
        var last = after;
        foreach (var (version, part) in Tables.Sessions.Parts.From(Behind(id, after)))
        {
            if (version.Session != id)
            {
                break;
            }
            left -= room.SizeOf(part);
            if (left < 0 && began.Count > 0)
            {
                next = last;
                break;
            }
            began.Add(part);
            mustRenew |= version.Version > session.Claimed && part.Token != FencingToken.None;
            last = version.Version;
        }
        return new SessionNews(session.Version, mustList, ended, began.ToImmutable(), next, HoldsUntil(id)) { MustRenew = mustRenew };
    }

    /// <summary>The newest of them, where there is no room for all.</summary>
    private ImmutableArray<(SessionPart Part, SessionEnd Reason)> EndedSince(
        LeaseId id, long since, NewsRoom room, ref long left, out bool isCut)
    {
        var ended = new List<(SessionPart Part, SessionEnd Reason)>();
        var size = 0L;
        foreach (var (version, end) in Tables.Sessions.Ended.From(Behind(id, since)))
        {
            if (version.Session != id)
            {
                break;
            }
            ended.Add((end.Part, end.Reason));
            size += room.SizeOf(end.Part);
        }
        var untold = 0;
        for (; size > room.Size / 4 * 3; untold++)
        {
            size -= room.SizeOf(ended[untold].Part);
        }
        left -= size;
        isCut = untold > 0;
        return [.. ended.Skip(untold)];
    }

    private ClusterTime HoldsUntil(LeaseId id) =>
        Tables.Sessions.Dues.TryFirstFrom(new SessionDue(id, ClusterTime.Zero, FencingToken.None), out var due, out _) && due.Session == id ? due.Until : ClusterTime.Never;

    private static SessionVersion Behind(LeaseId id, long version) => new(id, version == long.MaxValue ? version : version + 1);
}
