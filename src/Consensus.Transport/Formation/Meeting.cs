using Consensus.Node.Formation;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Formation;

/// <summary>
/// What a member that forms a cluster knows of the others, and its decision. No I/O; thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// Every member has a view: an incarnation for each listed name it has met. A member decides when its view is complete <b>and every other
/// member has reported that same view</b>. Having met everyone is not enough: if a data directory is replaced in the middle, two members
/// could each have met everyone and yet hold different incarnations, and so form two clusters.
/// </para>
/// <para>
/// An incarnation once met is replaced only by the answer to our own dial of the listed address, which nothing older can overtake; a Hello may
/// have been under way for long. So views only move forward. Were two members x and y to decide different views, x would have reported y's
/// view before it held its own, and y x's before its own: some third member's incarnation would have gone forward at one and back at the
/// other, which cannot be. After the decision a view never changes.
/// </para>
/// <para>
/// A formed member tells its cluster and members. If this member is among them with its own incarnation, it joins that decision: it was met
/// when the cluster was formed, but stopped before it could decide itself.
/// </para>
/// </remarks>
internal sealed class Meeting
{
    private readonly Lock _gate = new();
    private readonly InitialCluster _cluster;
    private readonly string _token;
    private readonly Dictionary<string, MetMember> _met = [];
    private FormationResult? _decision;

    public Meeting(InitialCluster cluster, long incarnation, string token)
    {
        (_cluster, _token) = (cluster, token);
        Self = ClusterIdentity.MemberIdOf(cluster.Self.Name, incarnation);
        _met.Add(cluster.Self.Name, new MetMember(incarnation, Self, []));
        lock (_gate)
        {
            DecideIfAgreed();
        }
    }

    public MemberId Self { get; }

    public FormationResult? Decision
    {
        get
        {
            lock (_gate)
            {
                return _decision;
            }
        }
    }

    /// <summary>This member's view.</summary>
    public IReadOnlyList<KnownMember> View
    {
        get
        {
            lock (_gate)
            {
                return ViewLocked();
            }
        }
    }

    /// <summary>Listed members that are not met, or have not reported this member's view.</summary>
    public IReadOnlyList<InitialPeer> Awaited
    {
        get
        {
            lock (_gate)
            {
                return [.. _cluster.Others.Where(peer => !_met.TryGetValue(peer.Name, out var met) || !Agrees(met))];
            }
        }
    }

    /// <summary>Names of the other members that are met, in order.</summary>
    public IReadOnlyList<string> Met
    {
        get
        {
            lock (_gate)
            {
                return [.. _met.Keys.Where(name => name != _cluster.Self.Name).Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>
    /// A listed member said Hello. False when nothing new was learned. One that was met with another incarnation has to be dialled: only the
    /// answer counts.
    /// </summary>
    public bool Heard(string name, long incarnation, IReadOnlyList<KnownMember> view)
    {
        lock (_gate)
        {
            if (_met.TryGetValue(name, out var met) && met.Incarnation != incarnation)
            {
                return true;
            }
            return Record(name, incarnation, view);
        }
    }

    /// <summary>A listed member answered our dial of its listed address.</summary>
    public bool Answered(string name, long incarnation, IReadOnlyList<KnownMember> view)
    {
        lock (_gate)
        {
            return Record(name, incarnation, view);
        }
    }

    /// <summary>A listed member answered that it belongs to <paramref name="formed"/> already. Null when this member joins it, else why it cannot.</summary>
    public string? Join(ClusterId formed, IReadOnlyList<KnownMember> members)
    {
        lock (_gate)
        {
            if (_decision is not null)
            {
                return _decision.Cluster == formed ? null : $"another cluster, {formed}, was formed in the meantime";
            }
            var ids = members.DistinctBy(member => member.Name).ToDictionary(member => member.Name, member => member.Member);
            if (!ids.Keys.ToHashSet().SetEquals(_cluster.Members.Select(member => member.Name)))
            {
                return $"cluster {formed} has other members by now than --initial-cluster lists";
            }
            if (ids[_cluster.Self.Name] != Self)
            {
                return $"cluster {formed} knows {_cluster.Self.Name} with another incarnation";
            }
            _decision = new FormationResult(formed, Self, Members(name => ids[name]));
            return null;
        }
    }

    private bool Record(string name, long incarnation, IReadOnlyList<KnownMember> view)
    {
        if (_decision is not null)
        {
            return false;
        }
        var now = new MetMember(incarnation, ClusterIdentity.MemberIdOf(name, incarnation), [.. view]);
        var isNew = !_met.TryGetValue(name, out var before)
            || before.Incarnation != incarnation
            || !before.Reported.SetEquals(now.Reported);
        _met[name] = now;
        DecideIfAgreed();
        return isNew;
    }

    private void DecideIfAgreed()
    {
        if (_met.Count == _cluster.Members.Count && _cluster.Others.All(peer => Agrees(_met[peer.Name])))
        {
            var initial = _cluster.Members.Select(peer => new InitialMember(peer.Name, peer.PeerAddress, _met[peer.Name].Incarnation));
            _decision = new FormationResult(ClusterIdentity.ClusterIdOf(_token, initial), Self, Members(name => _met[name].Member));
        }
    }

    private bool Agrees(MetMember other) => other.Reported.SetEquals(ViewLocked());

    private List<KnownMember> ViewLocked() => [.. _met.Select(met => new KnownMember(met.Key, met.Value.Member))];

    private List<Member> Members(Func<string, MemberId> idOf) =>
        [.. _cluster.Members.Select(peer => new Member(idOf(peer.Name), peer.Name, peer.PeerAddress))];

    /// <param name="Reported">The view in its latest Hello or Welcome.</param>
    private sealed record MetMember(long Incarnation, MemberId Member, HashSet<KnownMember> Reported);
}
