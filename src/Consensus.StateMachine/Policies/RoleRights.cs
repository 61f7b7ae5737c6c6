using System.Numerics;

namespace Consensus.StateMachine.Policies;

/// <summary>What one role allows, in the form in which it is judged by.</summary>
internal sealed class RoleRights
{
    private const int VerbCount = 4;
    private const int SpaceCount = 5;

    private readonly NameSet?[] _names = new NameSet?[VerbCount * SpaceCount];

    /// <param name="rules">Valid ones.</param>
    public RoleRights(IReadOnlyCollection<AccessRule> rules, SystemRights clusterRights)
    {
        ClusterRights = clusterRights;
        for (var verb = 0; verb < VerbCount; verb++)
        {
            for (var space = 0; space < SpaceCount; space++)
            {
                var (verbBit, spaceBit) = ((Verbs)(1 << verb), (Spaces)(1 << space));
                _names[(verb * SpaceCount) + space] = NameSet.Of(
                    rules.Where(rule => (rule.Verbs & verbBit) != 0 && (rule.Spaces & spaceBit) != 0));
                if (_names[(verb * SpaceCount) + space] is null)
                {
                    continue;
                }
                NameSets++;
                if (verbBit is Verbs.Write or Verbs.Hold)
                {
                    ClusterRights |= SystemRights.UseLeases;
                }
            }
        }
    }

    public SystemRights ClusterRights { get; }

    /// <summary>For how many verbs in how many spaces it allows anything, each of both counted.</summary>
    public int NameSets { get; }

    public bool Covers(Spaces space, Verbs verb, Key name, bool isPrefix)
    {
        var place = (BitOperations.TrailingZeroCount((int)verb) * SpaceCount) + BitOperations.TrailingZeroCount((int)space);
        return _names[place] is { } names && names.Covers(name, isPrefix);
    }
}
