using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Consensus.Api.Access;
using Consensus.StateMachine.Policies;

namespace Consensus.Translation;

/// <summary>Roles, principals, revocations and tokens as the contract has them.</summary>
public static class AccessShapes
{
    private static readonly (string Word, Verbs Verb)[] VerbWords =
        [("read", Verbs.Read), ("write", Verbs.Write), ("hold", Verbs.Hold), ("break", Verbs.Break)];

    private static readonly (string Word, Spaces Space)[] SpaceWords =
        [
            ("keys", Spaces.Keys),
            ("locks", Spaces.Locks),
            ("semaphores", Spaces.Semaphores),
            ("elections", Spaces.Elections),
            ("fences", Spaces.Fences),
        ];

    private static readonly (string Word, SystemRights Right)[] RightWords =
    [
        ("leases", SystemRights.UseLeases), ("status", SystemRights.ViewStatus), ("hash", SystemRights.ViewHash),
        ("operate", SystemRights.Operate), ("snapshot", SystemRights.TakeSnapshot), ("administer", SystemRights.Administer),
    ];

    /// <summary>For sentences that say what is taken.</summary>
    public static string VerbList { get; } = string.Join(", ", VerbWords.Select(static known => known.Word));

    /// <inheritdoc cref="VerbList"/>
    public static string SpaceList { get; } = string.Join(", ", SpaceWords.Select(static known => known.Word));

    /// <summary>None for what is no verb.</summary>
    public static Verbs VerbOf(string word) => Array.Find(VerbWords, known => known.Word == word).Verb;

    /// <summary>None for what is no space.</summary>
    public static Spaces SpaceOf(string word) => Array.Find(SpaceWords, known => known.Word == word).Space;

    public static RoleAnswer Of(RoleInfo role, long policyRevision) => new(
        role.Name,
        BuiltIn: false,
        [.. role.Rules.Select(Of)],
        role.Rules.Any(GivesLeases) ? WordsOf(SystemRights.UseLeases) : [],
        policyRevision);

    public static RoleAnswer Of(string name, BuiltInRole role, long policyRevision) =>
        new(name, BuiltIn: true, [.. role.Rules.Select(Of)], WordsOf(role.ClusterRights), policyRevision);

    public static PrincipalAnswer Of(PrincipalInfo principal, long policyRevision) =>
        new(principal.Name, principal.Roles, principal.IsDisabled, Of(principal.Limits), policyRevision);

    public static RevocationAnswer Of(RevocationInfo revocation, long policyRevision) =>
        new(Convert.ToHexStringLower(revocation.Fingerprint.Bytes), revocation.Note, policyRevision);

    public static TokenAnswer Of(TokenInfo token, long policyRevision) => new(
        token.Id, token.Principal, token.Family, TimeOf(token.NotAfter), token.TtlSeconds * 1_000, policyRevision);

    /// <summary>In RFC 3339. Numbers that are no time come from nobody but a client that says them: they are the last there is.</summary>
    public static string TimeOf(long unixSeconds) => DateTimeOffset
        .FromUnixTimeSeconds(Math.Clamp(unixSeconds, 0, DateTimeOffset.MaxValue.ToUnixTimeSeconds()))
        .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>Why something is not allowed, for a person.</summary>
    public static string Of(Denial denial) => denial.Reason switch
    {
        DenialReason.Disabled => "the principal is disabled",
        DenialReason.Revoked => "the credential is revoked",
        _ => "no rule of its roles covers it",
    };

    private static PrincipalLimitsMessage Of(PrincipalLimits limits) => new()
    {
        Leases = IfSet(limits.Leases),
        Holds = IfSet(limits.Holds),
        IdempotencyBytes = IfSet(limits.IdempotencyBytes),
    };

    private static long? IfSet(long limit) => limit > 0 ? limit : null;

    private static bool GivesLeases(AccessRule rule) => (rule.Verbs & (Verbs.Write | Verbs.Hold)) != 0;

    private static AccessRuleMessage Of(AccessRule rule)
    {
        var isText = Utf8.IsValid(rule.Name.Bytes);
        var text = isText ? Encoding.UTF8.GetString(rule.Name.Bytes) : null;
        var base64 = isText ? null : Convert.ToBase64String(rule.Name.Bytes);
        return new AccessRuleMessage(
            [.. VerbWords.Where(known => (rule.Verbs & known.Verb) != 0).Select(static known => known.Word)],
            [.. SpaceWords.Where(known => (rule.Spaces & known.Space) != 0).Select(static known => known.Word)])
        {
            Name = rule.IsPrefix ? null : text,
            NameBase64 = rule.IsPrefix ? null : base64,
            Prefix = rule.IsPrefix ? text : null,
            PrefixBase64 = rule.IsPrefix ? base64 : null,
        };
    }

    private static ImmutableArray<string> WordsOf(SystemRights rights) =>
        [.. RightWords.Where(known => (rights & known.Right) != 0).Select(static known => known.Word)];
}
