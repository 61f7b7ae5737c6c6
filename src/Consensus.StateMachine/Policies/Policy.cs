using System.Collections.Concurrent;
using System.Text;
using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Policies;

/// <summary>
/// Who may do what, compiled from the state of one moment, and a pure function of it: every member that has applied the same judges the
/// same. Immutable, and any thread may ask it. What an actor may do is worked out when it is asked for first, and kept.
/// </summary>
public sealed class Policy
{
    /// <summary>Of names that others make up there may be any number: beyond so many all are worked out anew.</summary>
    private const int MostKept = 20_000;

    private const string HexDigits = "0123456789abcdef";

    private static readonly Key AnonymousKey = Key.FromText(Actor.Anonymous);

    private readonly FrozenTree<Key, RoleInfo> _roles;
    private readonly FrozenTree<Key, PrincipalInfo> _principals;
    private readonly FrozenTree<Key, RevocationInfo> _revocations;
    private readonly FrozenTree<Key, TokenInfo> _tokens;
    private readonly ConcurrentDictionary<Actor, Rights> _rights = new();
    private int _kept;

    internal Policy(
        bool isEnabled,
        long revision,
        FrozenTree<Key, RoleInfo> roles,
        FrozenTree<Key, PrincipalInfo> principals,
        FrozenTree<Key, RevocationInfo> revocations,
        FrozenTree<Key, TokenInfo> tokens) =>
        (IsEnabled, Revision, _roles, _principals, _revocations, _tokens) =
            (isEnabled, revision, roles, principals, revocations, tokens);

    /// <summary>While it is not, everything is allowed to everybody. It never ends.</summary>
    public bool IsEnabled { get; }

    /// <summary>What the roles say, whether they are judged by or not yet.</summary>
    public Policy AsEnabled => IsEnabled ? this : new Policy(true, Revision, _roles, _principals, _revocations, _tokens);

    /// <summary>It counts the changes of the policy, from 1 on.</summary>
    public long Revision { get; }

    /// <summary>Whether all of this is allowed, as far as that hangs on roles (<see cref="Rights.Judge"/>).</summary>
    public Denial? Judge(Actor actor, ReadOnlySpan<Access> accesses) => RightsOf(actor).Judge(accesses);

    public Rights RightsOf(Actor actor)
    {
        if (!IsEnabled)
        {
            return Rights.Everything;
        }
        if (_rights.TryGetValue(actor, out var rights))
        {
            return rights;
        }
        if (Interlocked.Increment(ref _kept) > MostKept)
        {
            _rights.Clear();
            _kept = 1;
        }
        rights = Resolve(actor);
        _rights[actor] = rights;
        return rights;
    }

    /// <summary>
    /// Whether a certificate is not believed any more, be it a client's or a member's. Also while the policy is not enabled.
    /// </summary>
    /// <param name="fingerprint">Its SHA-256.</param>
    public bool IsRevoked(Key fingerprint) => _revocations.TryGet(fingerprint, out _);

    /// <summary>Whether what an actor is known by is not believed any more: a certificate that is revoked, a token that there is not.</summary>
    public bool IsRevoked(Actor actor) =>
        actor.TokenId is { } token ? FindToken(token)?.Principal != actor.Name
        : actor.Credential.StartsWith(Actor.CertificatePrefix, StringComparison.Ordinal)
            && ReadHex(actor.Credential.AsSpan(Actor.CertificatePrefix.Length)) is { } fingerprint
            && IsRevoked(fingerprint);

    /// <summary>Null for a token that there is not, or not any more.</summary>
    public TokenInfo? FindToken(string id) => _tokens.TryGet(Key.FromText(id), out var token) ? token : null;

    /// <summary>What is bound to the name: the longest binding that fits; null when none does.</summary>
    public PrincipalInfo? BindingOf(string name)
    {
        if (name.Length == 0)
        {
            // No wider binding gives anything to whoever shows no credential.
            return _principals.TryGet(AnonymousKey, out var anonymous) ? anonymous : null;
        }
        if (!PolicyNames.IsPlain(name))
        {
            return null;
        }
        var bytes = Encoding.UTF8.GetBytes(name);
        if (_principals.TryGet(Key.Own(bytes), out var exact))
        {
            return exact;
        }
        for (var length = Math.Min(bytes.Length, Key.MaxLength); length >= 0; length--)
        {
            if (_principals.TryGet(Key.Own([.. bytes.AsSpan(0, length), (byte)PolicyNames.Wildcard]), out var wide))
            {
                return wide;
            }
        }
        return null;
    }

    private Rights Resolve(Actor actor)
    {
        if (IsRevoked(actor))
        {
            return new Rights([], DenialReason.Revoked);
        }
        if (actor.Name == Actor.Local)
        {
            return new Rights(actor.Credential == Actor.LocalCredential ? [BuiltInRoles.Find(BuiltInRoles.Admin)!.Rights] : [], null);
        }
        return BindingOf(actor.Name) switch
        {
            null => new Rights([], null),
            { IsDisabled: true } => new Rights([], DenialReason.Disabled),
            var binding => new Rights([.. binding.Roles.Select(RoleOf)], null) { Limits = binding.Limits },
        };
    }

    private RoleRights RoleOf(string name) =>
        BuiltInRoles.Find(name)?.Rights
        ?? (_roles.TryGet(Key.FromText(name), out var role) ? role.Rights : Invariant.Unreachable<RoleRights>(name));

    private static Key? ReadHex(ReadOnlySpan<char> digits)
    {
        if (digits.Length != 2 * PolicyNames.FingerprintBytes)
        {
            return null;
        }
        var bytes = new byte[PolicyNames.FingerprintBytes];
        for (var i = 0; i < digits.Length; i++)
        {
            var value = HexDigits.IndexOf(digits[i], StringComparison.Ordinal);
            if (value < 0)
            {
                return null;
            }
            bytes[i / 2] = (byte)((bytes[i / 2] << 4) | value);
        }
        return Key.Own(bytes);
    }
}
