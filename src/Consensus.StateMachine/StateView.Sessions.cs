using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine;

public sealed partial class StateView
{
    /// <summary>Items of one answer of news, and bytes of their names.</summary>
    private const int MaxNews = 1_000;

    private const int MaxNewsBytes = 128 * 1024;

    /// <summary>What happened under a session since it had a version, by its holds and places; null when there is no such session.</summary>
    /// <param name="since">0 asks for all that there is, and for nothing that ended.</param>
    /// <param name="after">Where to go on with what began: <see cref="SessionNews.Next"/> of the answer before, or <paramref name="since"/>.</param>
    public SessionNews? GetSessionNews(LeaseId id, long since, long after)
    {
        if (!Tables.Sessions.Sessions.TryGet(id, out var session))
        {
            return null;
        }
        var mustList = since != 0 && (since < session.Forgotten || since > session.Version);
        var began = ImmutableArray.CreateBuilder<SessionPart>();
        var bytes = 0;
        long? next = null;
        var last = after;
        foreach (var (version, part) in Tables.Sessions.Parts.From(Behind(id, after)))
        {
            if (version.Session != id)
            {
                break;
            }
            if (began.Count == MaxNews || bytes >= MaxNewsBytes)
            {
                next = last;
                break;
            }
            began.Add(part);
            bytes += part.Object.Name.Length;
            last = version.Version;
        }
        return new SessionNews(session.Version, mustList, since == 0 ? [] : EndedSince(id, since), began.ToImmutable(), next, HoldsUntil(id));
    }

    private ImmutableArray<(SessionPart Part, SessionEnd Reason)> EndedSince(LeaseId id, long since)
    {
        var ended = ImmutableArray.CreateBuilder<(SessionPart, SessionEnd)>();
        foreach (var (version, end) in Tables.Sessions.Ended.From(Behind(id, since)))
        {
            if (version.Session != id)
            {
                break;
            }
            ended.Add((end.Part, end.Reason));
        }
        return ended.ToImmutable();
    }

    private ClusterTime HoldsUntil(LeaseId id) =>
        Tables.Sessions.Dues.TryFirstFrom(new SessionDue(id, ClusterTime.Zero, FencingToken.None), out var due, out _) && due.Session == id ? due.Until : ClusterTime.Never;

    private static SessionVersion Behind(LeaseId id, long version) => new(id, version == long.MaxValue ? version : version + 1);
}
