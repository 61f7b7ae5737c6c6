using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Consensus.StateMachine.Policies;

/// <summary>The roles that there are without anybody's doing. Nobody can change them.</summary>
public static class BuiltInRoles
{
    public const string Admin = "admin";

    /// <summary>Members, the leader, what others hold; no keys.</summary>
    public const string Operator = "operator";

    public const string Backup = "backup";

    /// <summary>Reads everything, and changes nothing.</summary>
    public const string Reader = "reader";

    public const string Monitor = "monitor";

    private const Spaces Held = Spaces.Locks | Spaces.Semaphores | Spaces.Elections | Spaces.Fences;

    private static readonly FrozenDictionary<string, BuiltInRole> All = new Dictionary<string, BuiltInRole>
    {
        [Admin] = new(
            [AccessRule.Everything],
            SystemRights.UseLeases | SystemRights.ViewStatus | SystemRights.ViewHash | SystemRights.Operate | SystemRights.TakeSnapshot
                | SystemRights.Administer),
        [Operator] = new(
            [new AccessRule(Verbs.Read | Verbs.Break, Held, default, IsPrefix: true)],
            SystemRights.ViewStatus | SystemRights.ViewHash | SystemRights.Operate),
        [Backup] = new([], SystemRights.TakeSnapshot | SystemRights.ViewHash),
        [Reader] = new([AccessRule.Everything with { Verbs = Verbs.Read }], SystemRights.ViewStatus | SystemRights.ViewHash),
        [Monitor] = new([], SystemRights.ViewStatus | SystemRights.ViewHash),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IEnumerable<string> Names => [Admin, Operator, Backup, Reader, Monitor];

    public static bool Contains(string name) => All.ContainsKey(name);

    /// <summary>Null for a role that is not built in.</summary>
    public static BuiltInRole? Find(string name) => All.GetValueOrDefault(name);
}

/// <param name="ClusterRights">What no rule gives.</param>
public sealed record BuiltInRole(ImmutableArray<AccessRule> Rules, SystemRights ClusterRights)
{
    internal RoleRights Rights { get; } = new(Rules, ClusterRights);
}
