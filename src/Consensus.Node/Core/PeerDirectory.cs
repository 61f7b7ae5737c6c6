using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>Tells the outside whom to be linked with, as the configuration in force and the announced addresses say.</summary>
internal sealed class PeerDirectory(TurnContext turn)
{
    private readonly Dictionary<MemberId, long> _keptUntil = [];
    private IReadOnlyList<PeerEndpoint> _peers = [];
    private bool _wereTold;
    private Configuration? _followed;

    /// <summary>Links follow the configuration in force without waiting for the next sweep: a new member cannot catch up before.</summary>
    public void FollowConfiguration()
    {
        if (_followed is null)
        {
            _followed = turn.Raft.Configuration;
            NoticeRemoval();
        }
        if (!ReferenceEquals(_followed, turn.Raft.Configuration))
        {
            _followed = turn.Raft.Configuration;
            turn.MembersAreStale = true;
            Refresh();
        }
    }

    /// <summary>Who was removed for sure is told to the outside, once the configuration that says so is applied.</summary>
    public void NoticeRemoval()
    {
        var applied = turn.Applied.Configuration;
        if (applied.IsJoint || applied.Removed.IsEmpty)
        {
            return;
        }
        turn.Out.RemovedMembers = applied.Removed;
        turn.Out.IsRemoved |= applied.Removed.Contains(turn.Options.Self);
    }

    /// <summary>Addresses live in the log: the configuration's, overridden by what a member announced later (rule 7).</summary>
    public void Refresh()
    {
        var announced = turn.Applied.State.ListMembers().ToDictionary(m => m.Id);
        var peers = new List<PeerEndpoint>();
        foreach (var member in turn.Raft.Configuration.Members)
        {
            if (member.Id != turn.Options.Self)
            {
                announced.TryGetValue(member.Id, out var info);
                peers.Add(new PeerEndpoint(member.Id, member.Name, turn.Addresses.Of(member, info, turn.Applied.Index)));
            }
        }
        KeepForAWhile(peers);
        // Told once even if there are none: until then the links let nobody in, and one who joins a single member is somebody.
        if (!_wereTold || !peers.SequenceEqual(_peers))
        {
            _wereTold = true;
            _peers = peers;
            turn.Out.Peers = peers;
        }
    }

    /// <summary>A link to a member that left stays for a while, so that it still hears that it did.</summary>
    private void KeepForAWhile(List<PeerEndpoint> peers)
    {
        var wanted = peers.ConvertAll(p => p.Member);
        foreach (var peer in _peers)
        {
            if (wanted.Contains(peer.Member))
            {
                _keptUntil.Remove(peer.Member);
                continue;
            }
            if (!_keptUntil.TryGetValue(peer.Member, out var until))
            {
                until = turn.Now + (2 * turn.Options.ElectionTimeoutMicros);
                _keptUntil.Add(peer.Member, until);
            }
            if (turn.Now < until)
            {
                peers.Add(peer);
            }
            else
            {
                _keptUntil.Remove(peer.Member);
            }
        }
    }
}
