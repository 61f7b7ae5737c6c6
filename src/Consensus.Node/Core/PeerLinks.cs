using Consensus.Primitives;

namespace Consensus.Node.Core;

/// <summary>Which members this one has a link to, which process of each was at its other end last, and when it was heard.</summary>
internal sealed class PeerLinks
{
    private readonly HashSet<MemberId> _standing = [];
    private readonly Dictionary<MemberId, long> _boots = [];
    private readonly Dictionary<MemberId, long> _heard = [];

    public bool Contains(MemberId member) => _standing.Contains(member);

    public void Heard(MemberId member, long now) => _heard[member] = now;

    /// <summary>True when it was heard once, and not for so many microseconds.</summary>
    public bool IsSilent(MemberId member, long micros, long now) => _heard.TryGetValue(member, out var heard) && now - heard >= micros;

    /// <summary>The process at the other end of the present link to a member, or of the last one; 0 when there was none.</summary>
    public long BootOf(MemberId member) => _boots.GetValueOrDefault(member);

    /// <summary>
    /// A link stands. True when another process is at its end than was last; the first that this one hears of counts as such, since the member may have
    /// had others before.
    /// </summary>
    public bool Up(MemberId member, long boot)
    {
        _standing.Add(member);
        var isNew = !_boots.TryGetValue(member, out var before) || before != boot;
        _boots[member] = boot;
        return isNew;
    }

    /// <summary>The link is closed. Of one who is no member nothing is kept.</summary>
    public void Down(MemberId member, bool isMember)
    {
        _standing.Remove(member);
        if (!isMember)
        {
            _boots.Remove(member);
        }
    }
}
