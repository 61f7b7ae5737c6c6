using System.Text.Json.Serialization;

namespace Consensus.Api.Access;

/// <summary>
/// One rule of a role: it allows each of the verbs in each of the spaces, for one name or for all that begin with a prefix.
/// </summary>
/// <param name="Verbs">Of <c>read</c>, <c>write</c>, <c>hold</c>, <c>break</c>; one at least.</param>
/// <param name="Spaces">Of <c>keys</c>, <c>locks</c>, <c>semaphores</c>, <c>elections</c>, <c>fences</c>; one at least.</param>
public sealed record AccessRuleMessage(IReadOnlyList<string> Verbs, IReadOnlyList<string> Spaces)
{
    /// <summary>Exactly one of the four is given. A name is not empty; an empty prefix covers all names.</summary>
    public string? Name { get; init; }

    public string? NameBase64 { get; init; }

    public string? Prefix { get; init; }

    public string? PrefixBase64 { get; init; }
}

public sealed record RolePutRequest(IReadOnlyList<AccessRuleMessage> Rules);

/// <summary>A role.</summary>
/// <param name="BuiltIn">Nobody can change it.</param>
/// <param name="Rights">
/// What it allows in the cluster beside names: <c>leases</c>, <c>status</c>, <c>hash</c>, <c>operate</c>, <c>snapshot</c>,
/// <c>administer</c>.
/// </param>
/// <param name="PolicyRevision">Of the whole policy.</param>
public sealed record RoleAnswer(
    string Name, bool BuiltIn, IReadOnlyList<AccessRuleMessage> Rules, IReadOnlyList<string> Rights, long PolicyRevision);

/// <param name="Items">Built-in roles first, on the first page.</param>
/// <param name="NextCursor">Null on the last page.</param>
public sealed record RoleListAnswer(IReadOnlyList<RoleAnswer> Items, long PolicyRevision, string? NextCursor);

/// <param name="Roles">May be empty: then it is known, and may do nothing.</param>
public sealed record PrincipalPutRequest(IReadOnlyList<string> Roles)
{
    /// <summary>All is refused to it, whatever its roles.</summary>
    public bool Disabled { get; init; }

    /// <summary>Null: the defaults.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PrincipalLimitsMessage? Limits { get; init; }
}

/// <summary>How much of what all share one principal may take: each from 1 to 10^12, and null for the default.</summary>
public sealed record PrincipalLimitsMessage
{
    /// <summary>Leases, sessions too, and those of holds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Leases { get; init; }

    /// <summary>Holds and waiting places together.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Holds { get; init; }

    /// <summary>Of what is kept of its requests under an Idempotency-Key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? IdempotencyBytes { get; init; }
}

/// <summary>What is bound to a principal's name, or to every name that begins with what stands before a final <c>*</c>.</summary>
/// <param name="Limits">Of each principal that has the name; what is not set is left out.</param>
public sealed record PrincipalAnswer(
    string Name, IReadOnlyList<string> Roles, bool Disabled, PrincipalLimitsMessage Limits, long PolicyRevision);

/// <param name="NextCursor">Null on the last page.</param>
public sealed record PrincipalListAnswer(IReadOnlyList<PrincipalAnswer> Items, long PolicyRevision, string? NextCursor);

public sealed record RevocationPutRequest
{
    /// <summary>For a person: why, and whose it was.</summary>
    public string? Note { get; init; }
}

/// <summary>A certificate that is not believed any more.</summary>
/// <param name="Fingerprint">Its SHA-256, 64 hexadecimal digits.</param>
public sealed record RevocationAnswer(string Fingerprint, string Note, long PolicyRevision);

/// <param name="NextCursor">Null on the last page.</param>
public sealed record RevocationListAnswer(IReadOnlyList<RevocationAnswer> Items, long PolicyRevision, string? NextCursor);

/// <summary>A token whose secret its holder has made.</summary>
/// <param name="Hash">The SHA-256 of the secret's 43 letters, 64 hexadecimal digits.</param>
public sealed record TokenPutRequest(string Hash)
{
    /// <summary>Whose it is; null: another in the place of the one that is asked with.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Principal { get; init; }

    /// <summary>
    /// For how long it is good, a duration (<see cref="Durations.DurationText"/>); null: 90 days, or as long as the one that is asked with.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ttl { get; init; }
}

/// <summary>A token that is to be made by the member.</summary>
public sealed record TokenPostRequest
{
    /// <inheritdoc cref="TokenPutRequest.Principal"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Principal { get; init; }

    /// <inheritdoc cref="TokenPutRequest.Ttl"/>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ttl { get; init; }
}

/// <summary>A token, without what it is known by.</summary>
/// <param name="Family">The id of the first of those that came of it.</param>
/// <param name="NotAfter">Until when it is good, in RFC 3339, by the clock of the member that is asked.</param>
/// <param name="TtlMs">For how long it was asked for.</param>
public sealed record TokenAnswer(string Id, string Principal, string Family, string NotAfter, long TtlMs, long PolicyRevision);

/// <param name="Items">Also those that ended within the last 7 days.</param>
/// <param name="NextCursor">Null on the last page.</param>
public sealed record TokenListAnswer(IReadOnlyList<TokenAnswer> Items, long PolicyRevision, string? NextCursor);

/// <summary>A token that was made by the member.</summary>
/// <param name="Token">The whole of it, told this once.</param>
public sealed record TokenMadeAnswer(string Token, string Id, string Principal, string NotAfter, long TtlMs, long PolicyRevision);

/// <summary>What was put or deleted is so.</summary>
/// <param name="Changed">False where it was so before.</param>
public sealed record PolicyChangedAnswer(long PolicyRevision, bool Changed);

/// <summary>Who asks, and what it may do.</summary>
/// <param name="Principal">Empty for whoever shows no credential.</param>
/// <param name="Credential">
/// By what it is known: <c>c:</c> and the fingerprint of a certificate, <c>t:</c> and the id of a token; empty without one.
/// </param>
/// <param name="Enabled">False: nobody's rights are judged yet.</param>
/// <param name="BoundAs">The name under which its roles were found, which may end in <c>*</c>; null when there is none.</param>
/// <param name="Disabled">All is refused to it.</param>
/// <param name="Roles">With what each allows.</param>
public sealed record WhoamiAnswer(
    string Principal,
    string Credential,
    bool Enabled,
    string? BoundAs,
    bool Disabled,
    IReadOnlyList<RoleAnswer> Roles,
    long PolicyRevision);

/// <summary>Whether a principal may do something, by its roles.</summary>
/// <param name="Verb">One of <see cref="AccessRuleMessage.Verbs"/>.</param>
/// <param name="Space">One of <see cref="AccessRuleMessage.Spaces"/>.</param>
public sealed record AccessCheckRequest(string Principal, string Verb, string Space)
{
    /// <summary>Exactly one of the four is given, as in a rule.</summary>
    public string? Name { get; init; }

    public string? NameBase64 { get; init; }

    public string? Prefix { get; init; }

    public string? PrefixBase64 { get; init; }
}

/// <param name="Reason">Why not; null where it may.</param>
/// <param name="Enabled">False: all is allowed to everybody for now, and <paramref name="Allowed"/> says what the roles would.</param>
public sealed record AccessCheckAnswer(bool Allowed, string? Reason, bool Enabled, long PolicyRevision);

public sealed record AccessEnableRequest
{
    /// <summary>To whom the role <c>admin</c> is bound, unless something is bound to that name; null: to who asks.</summary>
    public string? Admin { get; init; }
}
