using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;

namespace Consensus.StateMachine.Tests.Policies;

/// <summary>The compiled policy beside its plain definition: one rule covers it, of a role of the longest binding that fits.</summary>
public sealed class JudgeTests
{
    private static readonly byte[] Letters = [0, (byte)'a', (byte)'b', (byte)'/', 0xFF];
    private static readonly string[] Names = ["a", "ab", "abc", "b", "k8s:a", "k8s:ab", "é", "anonymous"];
    private static readonly string[] Bindings = ["a", "ab", "a*", "ab*", "*", "k8s:*", "k8s:a", "é*", "anonymous"];

    private static Key Name(DeterministicRandom random, int longest = 3) =>
        new([.. Enumerable.Range(0, (int)random.Next(longest + 1)).Select(_ => Letters[random.Next(Letters.Length)])]);

    private static AccessRule DrawRule(DeterministicRandom random)
    {
        var name = Name(random);
        return new AccessRule((Verbs)random.Next(1, 16), (Spaces)random.Next(1, 32), name, name.IsEmpty || random.Chance(1, 2));
    }

    private static Access DrawAccess(DeterministicRandom random)
    {
        var (space, verb, name) = ((Spaces)(1 << (int)random.Next(5)), (Verbs)(1 << (int)random.Next(4)), Name(random, 4));
        return random.Chance(1, 2) ? Access.ToPrefix(space, verb, name) : Access.To(space, verb, name);
    }

    private static bool Covers(AccessRule rule, Access access) => Covers(rule, access.Verb, access);

    private static bool Covers(AccessRule rule, Verbs verb, Access access) =>
        (rule.Verbs & verb) != 0
        && (rule.Spaces & access.Space) != 0
        && (rule.IsPrefix ? access.Name.StartsWith(rule.Name) : !access.IsPrefix && access.Name == rule.Name);

    private static PrincipalInfo? Longest(IReadOnlyCollection<PrincipalInfo> bound, string name)
    {
        if (name.Length == 0)
        {
            return bound.FirstOrDefault(binding => binding.Name == "anonymous");
        }
        return bound.FirstOrDefault(binding => binding.Name == name)
            ?? bound.Where(binding => binding.Name.EndsWith('*') && name.StartsWith(binding.Name[..^1], StringComparison.Ordinal))
                .MaxBy(binding => binding.Name.Length);
    }

    [Test]
    public void What_is_judged_is_what_the_plain_definition_says([Range(1, 60)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var machine = new Machine();
        machine.Enable();
        var roles = new Dictionary<string, List<AccessRule>>();
        for (var i = 0; i < 4; i++)
        {
            roles[$"role{i}"] = [.. Enumerable.Range(0, (int)random.Next(8)).Select(_ => DrawRule(random))];
            machine.Change(new PutRoleCommand($"role{i}", [.. roles[$"role{i}"]]));
        }
        foreach (var binding in Bindings.Where(_ => random.Chance(2, 3)))
        {
            machine.Change(new PutPrincipalCommand(binding, [.. roles.Keys.Where(_ => random.Chance(1, 3))], random.Chance(1, 8)));
        }
        var view = machine.View;
        var bound = view.ListPrincipals("").ToList();
        for (var i = 0; i < 2_000; i++)
        {
            var actor = new Actor(random.Chance(1, 8) ? "" : Names[random.Next(Names.Length)], "");
            Access[] accesses = [.. Enumerable.Range(0, (int)random.Next(1, 3)).Select(_ => DrawAccess(random))];
            var binding = Longest(bound, actor.Name);
            var rules = binding is { IsDisabled: false } ? binding.Roles.SelectMany(role => roles[role]).ToList() : [];
            var expected = Array.TrueForAll(accesses, access => rules.Exists(rule => Covers(rule, access)));

            var denial = view.Policy.Judge(actor, accesses);

            Assert.That(denial is null, Is.EqualTo(expected), $"\"{actor.Name}\" as {binding?.Name}: {string.Join(", ", accesses)}");
            Assert.That(view.Judge(actor, accesses), Is.EqualTo(denial), "where nothing is owned the state says the same");
            if (denial is { Reason: DenialReason.NotAllowed } && denial.Value.Missing is var missing)
            {
                Assert.That(accesses, Does.Contain(missing));
                Assert.That(rules.Exists(rule => Covers(rule, missing)), Is.False);
            }
        }
    }

    private const Spaces Held = Spaces.Locks | Spaces.Semaphores | Spaces.Elections | Spaces.Fences;

    private const SystemRights Status = SystemRights.ViewStatus | SystemRights.ViewHash;

    /// <summary>As docs/security.md has them.</summary>
    private static readonly Dictionary<string, (AccessRule[] Rules, SystemRights Rights)> BuiltIn = new()
    {
        ["admin"] = ([AccessRule.Everything], (SystemRights)63),
        ["operator"] = ([new AccessRule(Verbs.Read | Verbs.Break, Held, default, IsPrefix: true)], Status | SystemRights.Operate),
        ["backup"] = ([], SystemRights.TakeSnapshot | SystemRights.ViewHash),
        ["reader"] = ([AccessRule.Everything with { Verbs = Verbs.Read }], Status),
        ["monitor"] = ([], Status),
    };

    /// <summary>What there is, and whose it is.</summary>
    private sealed record Owned(Dictionary<LeaseId, string> Leases, Dictionary<(ObjectName Object, FencingToken Token), string> Holds)
    {
        public static Owned Of(Machine machine, DeterministicRandom random)
        {
            var owned = new Owned([], []);
            foreach (var (number, name) in new[] { "a", "ab", "b", "b/" }.Index())
            {
                foreach (var space in Enum.GetValues<HoldSpace>())
                {
                    var (lease, owner) = (new LeaseId((10 * number) + (int)space + 1), Names[random.Next(Names.Length)]);
                    var ask = new AcquireCommand(Machine.Key(name), "o", 60_000_000, lease, LeaseId.None, 0)
                    {
                        Space = space,
                        Permits = space == HoldSpace.Semaphore ? 1 : 0,
                    };
                    owned.Holds[(ask.Object, ((HoldGranted)machine.Do(ask, principal: owner)).Hold.Token)] = owner;
                    owned.Leases[lease] = owner;
                }
            }
            return owned;
        }

        public Access Draw(DeterministicRandom random)
        {
            var (name, token) = random.Chance(1, 6) ? (ObjectName.Lock(Machine.Key("a")), new FencingToken(999)) : Any(random, Holds.Keys);
            var lease = random.Chance(1, 6) ? new LeaseId(999) : Any(random, Leases.Keys);
            return random.Next(7) switch
            {
                0 or 1 => Access.ToHold(name, token),
                2 => Access.ToLease(random.Chance(1, 4) ? LeaseId.None : lease),
                3 => Access.ToLifeOf(lease),
                4 => Access.ToLifeOfEach(lease),
                5 => Access.ToCluster((SystemRights)(1 << (int)random.Next(6))),
                _ => DrawAccess(random),
            };
        }

        private static T Any<T>(DeterministicRandom random, IReadOnlyCollection<T> all) => all.ElementAt((int)random.Next(all.Count));
    }

    [Test]
    public void What_is_ones_own_and_what_is_the_clusters_is_judged_as_the_plain_definition_says([Range(1, 60)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var machine = new Machine();
        var owned = Owned.Of(machine, random);
        var roles = new Dictionary<string, (AccessRule[] Rules, SystemRights Rights)>(BuiltIn);
        for (var i = 0; i < 4; i++)
        {
            AccessRule[] rules = [.. Enumerable.Range(0, (int)random.Next(4)).Select(_ => DrawRule(random))];
            var usesLeases = rules.Any(rule => (rule.Verbs & (Verbs.Write | Verbs.Hold)) != 0);
            roles[$"role{i}"] = (rules, usesLeases ? SystemRights.UseLeases : SystemRights.None);
            machine.Change(new PutRoleCommand($"role{i}", [.. rules]));
        }
        foreach (var name in Bindings.Where(_ => random.Chance(3, 4)))
        {
            machine.Change(new PutPrincipalCommand(name, [.. roles.Keys.Where(_ => random.Chance(1, 5))], random.Chance(1, 8)));
        }
        machine.Change(new PutRevocationCommand(new Key(Convert.FromHexString(new string('1', 64))), ""));
        machine.Enable();
        var view = machine.View;
        var bound = view.ListPrincipals("").ToList();
        for (var i = 0; i < 2_000; i++)
        {
            var credential = random.Chance(1, 2) ? "" : "c:" + new string(random.Chance(1, 4) ? '1' : '2', 64);
            var actor = new Actor(Names[random.Next(Names.Length)], credential);
            var access = owned.Draw(random);
            var binding = Longest(bound, actor.Name);
            var isRefused = binding is not { IsDisabled: false } || actor.Credential.Contains('1', StringComparison.Ordinal);
            var own = isRefused ? [] : binding!.Roles.Select(role => roles[role]).ToList();

            Assert.That(
                view.Judge(actor, [access]) is null,
                Is.EqualTo(!isRefused && IsAllowed(owned, own, actor.Name, access)),
                $"{actor} as {binding?.Name}: {access}");
        }
    }

    private static bool IsAllowed(Owned owned, List<(AccessRule[] Rules, SystemRights Rights)> roles, string name, Access access)
    {
        bool May(Verbs verb) => roles.Exists(role => role.Rules.Any(rule => Covers(rule, verb, access)));
        bool Has(SystemRights rights) => roles.Exists(role => (role.Rights & rights) != 0);
        if (access.Token != FencingToken.None)
        {
            var holds = new ObjectName(Enum.GetValues<HoldSpace>().Single(space => Access.SpaceOf(space) == access.Space), access.Name);
            var isOthers = owned.Holds.TryGetValue((holds, access.Token), out var holder) && holder != name;
            return May(Verbs.Break) || (May(Verbs.Hold) && !isOthers);
        }
        if (access.Right == SystemRights.None)
        {
            return May(access.Verb);
        }
        var isAnothers = !access.IsOneOfMany && owned.Leases.TryGetValue(access.Lease, out var owner) && owner != name;
        return Has(access.Right) && (!isAnothers || Has(access.Right & SystemRights.Operate));
    }

    [Test]
    public void A_rule_for_a_name_or_for_longer_ones_covers_no_listing()
    {
        var machine = new Machine();
        machine.Allow(
            "svc", Rule(Verbs.Read, Spaces.Keys, "a"), Prefix(Verbs.Read, Spaces.Keys, "a/"), Prefix(Verbs.Read, Spaces.Keys, "ab"));
        machine.Enable();
        var svc = new Actor("svc", "");
        bool May(Access access) => machine.View.Judge(svc, [access]) is null;

        Assert.That(May(Access.To(Spaces.Keys, Verbs.Read, Machine.Key("a"))));
        Assert.That(May(Access.ToPrefix(Spaces.Keys, Verbs.Read, Machine.Key("a"))), Is.False, "the name's own rule is not the prefix's");
        Assert.That(May(Access.ToPrefix(Spaces.Keys, Verbs.Read, default)), Is.False);
        Assert.That(May(Access.ToPrefix(Spaces.Keys, Verbs.Read, Machine.Key("a/"))));
        Assert.That(May(Access.ToPrefix(Spaces.Keys, Verbs.Read, Machine.Key("a/b"))));
        Assert.That(May(Access.ToPrefix(Spaces.Keys, Verbs.Read, Machine.Key("abc"))));
        Assert.That(May(Access.To(Spaces.Keys, Verbs.Read, Machine.Key("aa"))), Is.False);
        Assert.That(May(Access.To(Spaces.Keys, Verbs.Write, Machine.Key("a"))), Is.False);
        Assert.That(May(Access.To(Spaces.Locks, Verbs.Read, Machine.Key("a"))), Is.False, "the name spaces are apart");
    }

    [TestCase("admin", true, true, true, true, true, true)]
    [TestCase("operator", false, true, true, true, false, false)]
    [TestCase("backup", false, false, true, false, true, false)]
    [TestCase("reader", false, true, true, false, false, false)]
    [TestCase("monitor", false, true, true, false, false, false)]
    public void A_built_in_role_has_its_part_of_the_cluster(
        string role, bool leases, bool status, bool hash, bool operate, bool snapshot, bool administer)
    {
        var machine = new Machine();
        machine.Change(new PutPrincipalCommand("p", [role], IsDisabled: false));
        machine.Enable();
        var rights = machine.View.Policy.RightsOf(new Actor("p", ""));
        var expected = new[]
        {
            (SystemRights.UseLeases, leases),
            (SystemRights.ViewStatus, status),
            (SystemRights.ViewHash, hash),
            (SystemRights.Operate, operate),
            (SystemRights.TakeSnapshot, snapshot),
            (SystemRights.Administer, administer),
        };
        Assert.That(expected.Select(item => (item.Item1, rights.May(Access.ToCluster(item.Item1)))), Is.EqualTo(expected));
    }

    [TestCase("operator", Spaces.Keys, Verbs.None)]
    [TestCase("operator", Spaces.Locks, Verbs.Read | Verbs.Break)]
    [TestCase("operator", Spaces.Fences, Verbs.Read | Verbs.Break)]
    [TestCase("backup", Spaces.Keys, Verbs.None)]
    [TestCase("monitor", Spaces.Locks, Verbs.None)]
    [TestCase("reader", Spaces.Keys, Verbs.Read)]
    [TestCase("reader", Spaces.Elections, Verbs.Read)]
    [TestCase("admin", Spaces.Semaphores, Verbs.Read | Verbs.Write | Verbs.Hold | Verbs.Break)]
    public void A_built_in_role_has_its_verbs_of_all_names(string role, Spaces space, Verbs expected)
    {
        var machine = new Machine();
        machine.Change(new PutPrincipalCommand("p", [role], IsDisabled: false));
        machine.Enable();
        var rights = machine.View.Policy.RightsOf(new Actor("p", ""));
        var allowed = Enum.GetValues<Verbs>().Where(verb => verb != Verbs.None && rights.May(Access.ToPrefix(space, verb, default)));
        Assert.That(allowed.Aggregate(Verbs.None, (all, verb) => all | verb), Is.EqualTo(expected));
    }

    [Test]
    public void Whoever_may_write_or_hold_anything_may_use_leases()
    {
        var machine = new Machine();
        machine.Allow("reads", Prefix(Verbs.Read | Verbs.Break, Spaces.Keys, ""));
        machine.Allow("writes", Rule(Verbs.Write, Spaces.Fences, "f"));
        machine.Allow("holds", Rule(Verbs.Hold, Spaces.Elections, "e"));
        machine.Enable();
        Assert.That(
            new[] { "reads", "writes", "holds" }.Select(
                name => machine.View.Policy.RightsOf(new Actor(name, "")).May(Access.ToLease(LeaseId.None))),
            Is.EqualTo(new[] { false, true, true }));
    }

    [Test]
    public void Nobody_gives_himself_a_name_that_a_binding_or_the_socket_has()
    {
        var machine = new Machine();
        machine.Change(new PutPrincipalCommand("*", ["admin"], IsDisabled: false));
        machine.Change(new PutPrincipalCommand("k8s:*", [], IsDisabled: false));
        machine.Enable();
        var administer = Access.ToCluster(SystemRights.Administer);
        bool May(string name, string credential) => machine.View.Judge(new Actor(name, credential), [administer]) is null;

        Assert.That(May("anybody", "j:k8s"));
        Assert.That(May("local", "l"));
        Assert.That(May("local", "c:" + new string('0', 64)), Is.False, "a certificate that says so is not the socket");
        Assert.That(May("", ""), Is.False, "a wide binding is nothing for whoever shows no credential");
        Assert.That(May("k8s:x", ""), Is.False);
        Assert.That(May("*", ""), Is.False);
        Assert.That(May("a*", ""), Is.False);
        Assert.That(May("a\u001fl", ""), Is.False);
        Assert.That(May("a\nb", ""), Is.False);
        Assert.That(May("\ud800", ""), Is.False);
    }

    [Test]
    public void While_it_is_not_enabled_everything_is_allowed_to_everybody()
    {
        var machine = new Machine();
        machine.Change(new PutPrincipalCommand("svc", [], IsDisabled: true));
        Assert.That(machine.View.Judge(new Actor("svc", ""), [Access.ToCluster(SystemRights.Administer)]), Is.Null);
        machine.Enable();
        Assert.That(
            machine.View.Judge(new Actor("svc", ""), []), Is.EqualTo(new Denial(DenialReason.Disabled, default)),
            "then also what needs nothing");
    }

    [Test]
    public void A_policy_that_was_asked_by_very_many_names_answers_as_before()
    {
        var machine = new Machine();
        machine.Allow("k8s", All("a"));
        machine.Change(new PutPrincipalCommand("k8s:*", ["k8s"], IsDisabled: false));
        machine.Enable();
        var policy = machine.View.Policy;
        var access = Access.To(Spaces.Keys, Verbs.Write, Machine.Key("ab"));
        Assert.That(Enumerable.Range(0, 45_000).All(i => policy.RightsOf(new Actor($"k8s:{i}", "")).May(access)));
        Assert.That(policy.RightsOf(new Actor("k9s:1", "")).May(access), Is.False);
    }
}
