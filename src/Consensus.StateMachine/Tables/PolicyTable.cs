using System.Collections.Immutable;
using System.Numerics;
using System.Text;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>What is in no table of it: whether rights are judged, and how often they were changed.</summary>
internal readonly record struct PolicyCounters(bool IsEnabled, long Revision)
{
    /// <summary>0 stands for no expectation.</summary>
    public static readonly PolicyCounters Initial = new(false, 1);
}

/// <param name="Compiled">Of these very tables.</param>
internal readonly record struct PolicyView(
    FrozenTree<Key, RoleInfo> Roles,
    FrozenTree<Key, PrincipalInfo> Principals,
    FrozenTree<Key, RevocationInfo> Revocations,
    FrozenTree<Key, TokenInfo> Tokens,
    FrozenTree<WaiterKey, bool> Sweep,
    Policy Compiled);

/// <summary>
/// Who may do what: roles, principals, revoked certificates and tokens, each by name. What is judged by is compiled of them when it is asked for
/// first after a change. And from which place on those who wait are still to be judged by it.
/// </summary>
internal sealed class PolicyTable
{
    private const int RoleOverheadBytes = 500;
    private const int RuleBytes = 75;
    private const int PlaceBytes = 8;
    private const int NameSetBytes = 60;
    private const int PrincipalOverheadBytes = 250;
    private const int RoleOfOneBytes = 40;
    private const int LimitsBytes = 40;
    private const int RevocationBytes = 170;
    private const int SweepBytes = 100;

    private readonly CowTree<Key, RoleInfo> _roles = new(NewRoleMeasure());
    private readonly CowTree<Key, PrincipalInfo> _principals = new(NewPrincipalMeasure());
    private readonly CowTree<Key, RevocationInfo> _revocations = new(NewRevocationMeasure());
    private readonly TokenTable _tokens = new();

    /// <summary>One place at most.</summary>
    private readonly CowTree<WaiterKey, bool> _sweep = new(NewSweepMeasure());
    private PolicyCounters _counters = PolicyCounters.Initial;
    private Policy? _compiled;

    public PolicyCounters Counters
    {
        get => _counters;
        set => (_counters, _compiled) = (value, null);
    }

    public bool IsEnabled => _counters.IsEnabled;

    public long Revision => _counters.Revision;

    public Policy Compiled => _compiled ??= new Policy(
        _counters.IsEnabled, _counters.Revision, _roles.Freeze(), _principals.Freeze(), _revocations.Freeze(), _tokens.Freeze());

    public int RoleCount => _roles.Count;

    public int PrincipalCount => _principals.Count;

    public int RevocationCount => _revocations.Count;

    public TreeSum RoleSum => _roles.Sum;

    public TreeSum PrincipalSum => _principals.Sum;

    public TreeSum RevocationSum => _revocations.Sum;

    public TreeSum SweepSum => _sweep.Sum;

    public int TokenCount => _tokens.Count;

    public TreeSum TokenSum => _tokens.Sum;

    public long Bytes => _roles.Sum.Bytes + _principals.Sum.Bytes + _revocations.Sum.Bytes + _tokens.Sum.Bytes + _sweep.Sum.Bytes;

    /// <summary>Those who wait are not all judged yet since the policy changed.</summary>
    public bool IsSweeping => _sweep.Count > 0;

    public RoleInfo? FindRole(string name) => _roles.TryGet(Key.FromText(name), out var role) ? role : null;

    public PrincipalInfo? FindPrincipal(string name) => _principals.TryGet(Key.FromText(name), out var principal) ? principal : null;

    public RevocationInfo? FindRevocation(Key fingerprint) => _revocations.TryGet(fingerprint, out var revocation) ? revocation : null;

    public TokenInfo? FindToken(string id) => _tokens.Find(id);

    public List<TokenInfo> AllTokens() => _tokens.All().ToList();

    /// <summary>All tokens of the family. Looks at all that there are.</summary>
    public List<TokenInfo> TokensOf(string family) => _tokens.All().Where(token => token.Family == family).ToList();

    /// <summary>At most so many of the tokens that ended before, in no order of time. Looks at all that there are.</summary>
    public List<TokenInfo> TokensEndedBefore(long unixSeconds, int most) =>
        _tokens.All().Where(token => token.NotAfter < unixSeconds).Take(most).ToList();

    /// <summary>A principal that has the role; null when none has. Looks at all of them.</summary>
    public PrincipalInfo? UserOf(string role) =>
        _principals.Peek().All().Select(static item => item.Value).FirstOrDefault(principal => principal.Roles.Contains(role));

    public void Set(RoleInfo role)
    {
        _roles.Set(Key.FromText(role.Name), role);
        _compiled = null;
    }

    public void Set(PrincipalInfo principal)
    {
        _principals.Set(Key.FromText(principal.Name), principal);
        _compiled = null;
    }

    public void Set(RevocationInfo revocation)
    {
        _revocations.Set(revocation.Fingerprint, revocation);
        _compiled = null;
    }

    public void Set(TokenInfo token)
    {
        _tokens.Set(token);
        _compiled = null;
    }

    public void RemoveToken(string id)
    {
        _tokens.Remove(id);
        _compiled = null;
    }

    public void RemoveRole(string name)
    {
        _roles.Remove(Key.FromText(name));
        _compiled = null;
    }

    public void RemovePrincipal(string name)
    {
        _principals.Remove(Key.FromText(name));
        _compiled = null;
    }

    public void RemoveRevocation(Key fingerprint)
    {
        _revocations.Remove(fingerprint);
        _compiled = null;
    }

    public bool TryGetSweep(out WaiterKey from) => _sweep.TryFirst(out from, out _);

    /// <summary>All from this place on are still to be judged, and nobody before it; null for nobody at all.</summary>
    public void SetSweep(WaiterKey? from)
    {
        if (_sweep.TryFirst(out var present, out _))
        {
            _sweep.Remove(present);
        }
        if (from is { } place)
        {
            _sweep.Set(place, true);
        }
    }

    public PolicyView Freeze() => new(
        _roles.Freeze(), _principals.Freeze(), _revocations.Freeze(), _tokens.Freeze(), _sweep.Freeze(), Compiled);

    /// <summary>Throws unless the sums are those of the records, each stands at its name, and every role that is bound is there.</summary>
    public void Verify()
    {
        Indexes.RequireSums(_roles, NewRoleMeasure(), "the roles");
        Indexes.RequireSums(_principals, NewPrincipalMeasure(), "the principals");
        Indexes.RequireSums(_revocations, NewRevocationMeasure(), "the revocations");
        _tokens.Verify();
        Indexes.RequireSums(_sweep, NewSweepMeasure(), "the place that is judged next");
        Invariant.Require(_roles.Peek().All().All(static item => item.Key == Key.FromText(item.Value.Name)), "a role stands at its name");
        Invariant.Require(
            _principals.Peek().All().All(static item => item.Key == Key.FromText(item.Value.Name)), "a principal stands at its name");
        Invariant.Require(
            _revocations.Peek().All().All(static item => item.Key == item.Value.Fingerprint), "a revocation stands at its fingerprint");
        Invariant.Require(_principals.Peek().All().All(item => item.Value.Roles.All(HasRole)), "a role that a principal has is there");
        Invariant.Require(_sweep.Count <= 1, "those who wait are judged in one order");
        Invariant.Require(
            _compiled is null || new PolicyCounters(_compiled.IsEnabled, _compiled.Revision) == _counters,
            "what is judged by is of the present policy");
    }

    public bool HasRole(string name) => BuiltInRoles.Contains(name) || FindRole(name) is not null;

    /// <summary>What a role takes in memory, about: a rule has a place for each of its verbs in each of its spaces.</summary>
    public static long SizeOf(RoleInfo role)
    {
        var size = (long)RoleOverheadBytes + (4L * role.Name.Length) + (NameSetBytes * role.Rights.NameSets);
        foreach (var rule in role.Rules)
        {
            var places = BitOperations.PopCount((uint)rule.Verbs) * BitOperations.PopCount((uint)rule.Spaces);
            size += RuleBytes + rule.Name.Length + (PlaceBytes * places);
        }
        return size;
    }

    public static long SizeOf(PrincipalInfo principal)
    {
        var size = (long)PrincipalOverheadBytes + (4L * principal.Name.Length)
            + (principal.Limits == PrincipalLimits.Default ? 0 : LimitsBytes);
        foreach (var role in principal.Roles)
        {
            size += RoleOfOneBytes + (2L * role.Length);
        }
        return size;
    }

    private static WrittenForm<Key, RoleInfo> NewRoleMeasure() =>
        new(static (writer, _, role) => Write(writer, role), static (_, role) => SizeOf(role));

    private static WrittenForm<Key, PrincipalInfo> NewPrincipalMeasure() =>
        new(static (writer, _, principal) => Write(writer, principal), static (_, principal) => SizeOf(principal));

    private static WrittenForm<Key, RevocationInfo> NewRevocationMeasure() =>
        new(
            static (writer, _, revocation) => Write(writer, revocation),
            static (_, revocation) => RevocationBytes + (2L * revocation.Note.Length));

    private static WrittenForm<WaiterKey, bool> NewSweepMeasure() =>
        new(static (writer, from, _) => Write(writer, from), static (from, _) => SweepBytes + from.Object.Name.Length);

    /// <summary>The message <c>Role</c> of <c>snapshot.proto</c>.</summary>
    private static class SavedRole
    {
        public static readonly MessageShape Shape = new("a role");
        public static readonly int Name = Shape.Text(1);
        public static readonly int Rules = Shape.Messages(2);
    }

    /// <summary>The message <c>Principal</c>.</summary>
    private static class SavedPrincipal
    {
        public static readonly MessageShape Shape = new("a principal");
        public static readonly int Name = Shape.Text(1);
        public static readonly int Roles = Shape.Messages(2);
        public static readonly int IsDisabled = Shape.Number(3);
        public static readonly int Limits = Shape.Message(4);
    }

    /// <summary>The message <c>Revocation</c>.</summary>
    private static class SavedRevocation
    {
        public static readonly MessageShape Shape = new("a revoked certificate");
        public static readonly int Fingerprint = Shape.Bytes(1);
        public static readonly int Note = Shape.Text(2);
    }

    /// <summary>The message <c>Sweep</c>.</summary>
    private static class SavedSweep
    {
        public static readonly MessageShape Shape = new("the place that is judged next");
        public static readonly int Space = Shape.Number(1);
        public static readonly int Name = Shape.Bytes(2);
        public static readonly int Sequence = Shape.Number(3);
    }

    public static void Write(WireWriter writer, RoleInfo role)
    {
        writer.String(SavedRole.Name, role.Name);
        foreach (var rule in role.Rules)
        {
            AccessRuleCodec.Write(writer, SavedRole.Rules, rule);
        }
    }

    public static void Write(WireWriter writer, PrincipalInfo principal)
    {
        writer.String(SavedPrincipal.Name, principal.Name);
        WriteTexts(writer, SavedPrincipal.Roles, principal.Roles);
        writer.Bool(SavedPrincipal.IsDisabled, principal.IsDisabled);
        PrincipalLimitsCodec.Write(writer, SavedPrincipal.Limits, principal.Limits);
    }

    public static void Write(WireWriter writer, RevocationInfo revocation)
    {
        writer.Bytes(SavedRevocation.Fingerprint, revocation.Fingerprint.Bytes);
        writer.String(SavedRevocation.Note, revocation.Note);
    }

    public static void Write(WireWriter writer, WaiterKey from)
    {
        writer.Int64(SavedSweep.Space, (int)from.Object.Space);
        writer.Bytes(SavedSweep.Name, from.Object.Name.Bytes);
        writer.Int64(SavedSweep.Sequence, from.Sequence);
    }

    public static void WriteTexts(WireWriter writer, int field, ImmutableArray<string> texts)
    {
        foreach (var text in texts)
        {
            writer.BytesAlways(field, Encoding.UTF8.GetBytes(text));
        }
    }

    /// <summary>Adds a role as it was written. Throws <see cref="WireFormatException"/> when it is damaged, or there already.</summary>
    public void LoadRole(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, SavedRole.Shape);
        var role = new RoleInfo(fields.Text(SavedRole.Name), [.. fields.Messages().Select(AccessRuleCodec.Read)]);
        if (HasRole(role.Name))
        {
            throw new WireFormatException("a role twice, or one that is built in");
        }
        Set(role);
    }

    /// <summary>As above, a principal; its roles come first.</summary>
    public void LoadPrincipal(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, SavedPrincipal.Shape);
        var principal = new PrincipalInfo(fields.Text(SavedPrincipal.Name), fields.Texts(), fields.Flag(SavedPrincipal.IsDisabled))
        {
            Limits = PrincipalLimitsCodec.Read(fields.Bytes(SavedPrincipal.Limits)),
        };
        if (FindPrincipal(principal.Name) is not null || !principal.Roles.All(HasRole))
        {
            throw new WireFormatException("a principal twice, or with a role that there is not");
        }
        Set(principal);
    }

    public void LoadRevocation(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, SavedRevocation.Shape);
        var revocation = new RevocationInfo(fields.Key(SavedRevocation.Fingerprint), fields.Text(SavedRevocation.Note));
        if (FindRevocation(revocation.Fingerprint) is not null)
        {
            throw new WireFormatException("a revoked certificate twice");
        }
        Set(revocation);
    }

    public void LoadToken(ReadOnlyMemory<byte> item)
    {
        _tokens.Load(item);
        _compiled = null;
    }

    public void LoadSweep(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, SavedSweep.Shape);
        if (IsSweeping)
        {
            throw new WireFormatException("two places that are judged next");
        }
        SetSweep(
            new WaiterKey(new ObjectName(fields.Space(SavedSweep.Space), fields.Key(SavedSweep.Name)), fields.Number(SavedSweep.Sequence)));
    }
}
