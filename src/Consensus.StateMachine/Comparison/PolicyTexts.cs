using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Comparison;

/// <summary>Roles, principals, revocations and tokens in words, as <see cref="ItemTexts"/> has the other records.</summary>
internal static class PolicyTexts
{
    public static (string Name, string Content) Of(Key key, RoleInfo role) => ($"role \"{key}\"", string.Join(", ", role.Rules.Select(Of)));

    public static (string Name, string Content) Of(Key key, PrincipalInfo principal) =>
        ($"principal \"{key}\"", (principal.IsDisabled ? "disabled, roles " : "roles ") + string.Join(" ", principal.Roles) + Of(principal.Limits));

    public static (string Name, string Content) Of(Key fingerprint, RevocationInfo revocation) =>
        ($"revoked certificate {Convert.ToHexStringLower(fingerprint.Bytes)}", revocation.Note);

    /// <summary>Without what the secret is known by.</summary>
    public static (string Name, string Content) Of(Key id, TokenInfo token) =>
        ($"token {id}", $"of \"{token.Principal}\", family {token.Family}, {token.TtlSeconds} s to {token.NotAfter}");

    public static (string Name, string Content) OfSweep(WaiterKey from, bool isThere) =>
        ("those who wait are judged again", $"from place {from.Sequence} in the line of the {from.Object} on");

    private static string Of(PrincipalLimits limits)
    {
        var set = new (string Name, long Limit)[]
        {
            ("leases", limits.Leases), ("holds", limits.Holds), ("idempotency bytes", limits.IdempotencyBytes),
        };
        return string.Concat(set.Where(static one => one.Limit > 0).Select(static one => $", {one.Name} {one.Limit}"));
    }

    private static string Of(AccessRule rule) =>
        $"{rule.Verbs} {rule.Spaces} {(rule.IsPrefix ? "prefix" : "name")} \"{rule.Name}\"".ToLowerInvariant();
}
