using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Joining;

/// <summary>
/// Who asked this member lately to join, one process of each name: the latest, because a process that was started anew on an empty directory is
/// another one, and the one before will never come back. Bounded; thread-safe.
/// </summary>
internal sealed class JoinerList(TimeProvider time)
{
    public const int MaxJoiners = 32;

    /// <summary>Without another call for so long it is forgotten; they call about once a second.</summary>
    public static readonly TimeSpan ForgottenAfter = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (JoiningMember Joiner, long HeardAt)> _heard = new(StringComparer.Ordinal);

    /// <summary>A joiner called. When there are too many, the one that is silent longest is forgotten.</summary>
    public void Heard(PeerIdentity from, bool waitsForName = false)
    {
        var joiner = new JoiningMember(ClusterIdentity.MemberIdOf(from.Name, from.Incarnation), from.Name, from.Address) { WaitsForName = waitsForName };
        lock (_gate)
        {
            if (_heard.Count == MaxJoiners && !_heard.ContainsKey(from.Name))
            {
                _heard.Remove(_heard.MinBy(entry => entry.Value.HeardAt).Key);
            }
            _heard[from.Name] = (joiner, time.GetTimestamp());
        }
    }

    /// <summary>Those that <paramref name="awaited"/> lets through, in order of names; the others, and the silent, are forgotten.</summary>
    public IReadOnlyList<JoiningMember> List(Func<MemberId, bool> awaited)
    {
        lock (_gate)
        {
            foreach (var (name, (joiner, heardAt)) in _heard)
            {
                if (time.GetElapsedTime(heardAt) > ForgottenAfter || !awaited(joiner.Member))
                {
                    _heard.Remove(name);
                }
            }
            return [.. _heard.Values.Select(entry => entry.Joiner).OrderBy(joiner => joiner.Name, StringComparer.Ordinal)];
        }
    }
}
