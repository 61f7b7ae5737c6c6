using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>How roles, principals and revocations are made, changed and refused.</summary>
internal sealed class PolicyRuleTests
{
    private static readonly AccessRule Reads = Prefix(Verbs.Read, Spaces.Keys, "a/");
    private static readonly Key Print = new(new byte[32]);

    private Machine _machine = null!;

    [SetUp]
    public void Begin() => _machine = new Machine();

    private void Refused(PolicyRefusal reason, PolicyCommand command, string name = "")
    {
        var view = _machine.View;
        Assert.That(_machine.Do(command), Is.EqualTo(new PolicyRefused(view.Revision, reason, view.Policy.Revision, name)), $"{command}");
        Assert.That(_machine.View.Digest, Is.EqualTo(view.Digest));
    }

    private void Full(BoundKind bound, long limit, PolicyCommand command) =>
        Assert.That(_machine.Do(command), Is.EqualTo(new BoundReached(_machine.State.Revision, bound, limit)), $"{command}");

    [Test]
    public void Each_change_counts_and_takes_no_revision_of_the_store()
    {
        var revision = _machine.State.Revision;
        PolicyCommand[] changes =
        [
            new PutRoleCommand("r", [Reads]),
            new PutRoleCommand("r", []),
            new PutPrincipalCommand("p", ["r", "reader"], IsDisabled: false),
            new PutPrincipalCommand("p", ["reader", "r"], IsDisabled: false),
            new PutPrincipalCommand("p", ["reader", "r"], IsDisabled: true),
            new PutRevocationCommand(Print, ""),
            new PutRevocationCommand(Print, "n1's old one"),
            new DeleteRevocationCommand(Print),
            new DeletePrincipalCommand("p"),
            new DeleteRoleCommand("r"),
            new EnableAuthCommand("admin"),
        ];
        for (var i = 0; i < changes.Length; i++)
        {
            Assert.That(_machine.Change(changes[i]), Is.EqualTo(new PolicyChanged(revision, i + 2, i + 1)), $"{changes[i]}");
            Assert.That(_machine.View.Policy.Revision, Is.EqualTo(i + 2));
        }
        Assert.That(_machine.State.Revision, Is.EqualTo(revision));
    }

    [Test]
    public void What_is_so_already_is_no_change()
    {
        PolicyCommand[] changes =
        [
            new PutRoleCommand("r", [Reads]),
            new PutPrincipalCommand("p", ["r"], IsDisabled: false),
            new PutRevocationCommand(Print, "x"),
            new EnableAuthCommand("admin"),
        ];
        foreach (var change in changes)
        {
            var changed = _machine.Change(change);
            Assert.That(_machine.Change(change), Is.EqualTo(changed with { Before = changed.PolicyRevision }), $"{change}");
        }
    }

    [Test]
    public void Of_two_who_expect_the_same_revision_one_is_told_that_it_is_another()
    {
        var first = _machine.Change(new PutRoleCommand("r", [Reads]) { ExpectedRevision = 1 });
        Refused(PolicyRefusal.OtherRevision, new PutRoleCommand("r", []) { ExpectedRevision = 1 });
        foreach (var command in new PolicyCommand[]
        {
            new DeleteRoleCommand("r"),
            new PutPrincipalCommand("p", [], IsDisabled: false),
            new DeletePrincipalCommand("p"),
            new PutRevocationCommand(Print, ""),
            new DeleteRevocationCommand(Print),
            new EnableAuthCommand(""),
        })
        {
            Refused(PolicyRefusal.OtherRevision, command with { ExpectedRevision = 1 });
        }
        _machine.Change(new DeleteRoleCommand("r") { ExpectedRevision = first.PolicyRevision });
    }

    [Test]
    public void A_role_in_use_is_not_deleted_and_a_principal_gets_no_role_that_there_is_not()
    {
        Refused(PolicyRefusal.NoSuchRole, new PutPrincipalCommand("p", ["reader", "r"], IsDisabled: false), "r");
        _machine.Change(new PutRoleCommand("r", [Reads]));
        _machine.Change(new PutPrincipalCommand("p", ["reader", "r"], IsDisabled: true));
        Refused(PolicyRefusal.RoleInUse, new DeleteRoleCommand("r"), "p");
        _machine.Change(new PutPrincipalCommand("p", ["reader"], IsDisabled: true));
        _machine.Change(new DeleteRoleCommand("r"));
        Refused(PolicyRefusal.Missing, new DeleteRoleCommand("r"), "r");
        Refused(PolicyRefusal.Missing, new DeletePrincipalCommand("q"), "q");
        Refused(PolicyRefusal.Missing, new DeleteRevocationCommand(Print));
    }

    [Test]
    public void A_role_that_is_built_in_is_neither_changed_nor_deleted()
    {
        foreach (var role in BuiltInRoles.Names)
        {
            Refused(PolicyRefusal.BuiltIn, new PutRoleCommand(role, []), role);
            Refused(PolicyRefusal.BuiltIn, new DeleteRoleCommand(role), role);
        }
    }

    [Test]
    public void A_name_that_nobody_can_have_is_refused()
    {
        var longest = new string('x', 256);
        _machine.Change(new PutRoleCommand(longest, []));
        _machine.Change(new PutPrincipalCommand(longest, [longest], IsDisabled: false));
        _machine.Change(new PutPrincipalCommand("*", [], IsDisabled: false));
        _machine.Change(new PutPrincipalCommand("uri:spiffe://d/é *", [], IsDisabled: false));
        foreach (var role in new[] { "", longest + "x", "a b", "é", "a*", "a/b" })
        {
            Refused(PolicyRefusal.Malformed, new PutRoleCommand(role, []));
        }
        foreach (var name in new[] { "", longest + "x", new string('é', 129), "a\u001fb", "a\n", "a*b", "**", "local" })
        {
            Refused(PolicyRefusal.Malformed, new PutPrincipalCommand(name, [], IsDisabled: false));
        }
        Refused(PolicyRefusal.Malformed, new PutPrincipalCommand("p", ["reader", "reader"], IsDisabled: false));
        Refused(PolicyRefusal.Malformed, new EnableAuthCommand("local"));
        Refused(PolicyRefusal.Malformed, new PutRevocationCommand(new Key(new byte[31]), ""));
        Refused(PolicyRefusal.Malformed, new PutRevocationCommand(Print, longest + "x"));
    }

    [Test]
    public void Everything_has_its_bound()
    {
        _machine = new Machine(
            new Limits { MaxRoles = 2, MaxRulesPerRole = 3, MaxPrincipals = 2, MaxRolesPerPrincipal = 2, MaxRevocations = 1 });
        _machine.Change(new PutRoleCommand("r", [Reads, Reads, Reads]));
        Full(BoundKind.Rules, 3, new PutRoleCommand("r", [Reads, Reads, Reads, Reads]));
        _machine.Change(new PutRoleCommand("s", []));
        Full(BoundKind.Roles, 2, new PutRoleCommand("t", []));
        _machine.Change(new PutRoleCommand("s", [Reads]));
        _machine.Change(new PutPrincipalCommand("p", ["r", "s"], IsDisabled: false));
        Full(BoundKind.RolesOfOne, 2, new PutPrincipalCommand("p", ["r", "s", "reader"], IsDisabled: false));
        _machine.Change(new PutPrincipalCommand("q", [], IsDisabled: false));
        Full(BoundKind.Principals, 2, new PutPrincipalCommand("t", [], IsDisabled: false));
        Full(BoundKind.Principals, 2, new EnableAuthCommand("t"));
        Assert.That(_machine.View.Policy.IsEnabled, Is.False, "half of it is not done");
        _machine.Change(new PutPrincipalCommand("q", ["r"], IsDisabled: false));
        _machine.Change(new PutRevocationCommand(Print, ""));
        Full(BoundKind.Revocations, 1, new PutRevocationCommand(new Key([1, .. new byte[31]]), ""));
    }

    [Test]
    public void The_quota_refuses_what_grows_and_never_a_revocation()
    {
        _machine = new Machine(new Limits { MaxStateBytes = 5_000 });
        _machine.Change(new PutPrincipalCommand("p", ["reader"], IsDisabled: false));
        var room = 5_000 - _machine.State.Counts.StateBytes;
        _machine.Do(new PutCommand(Machine.Key("k"), new byte[room - 300], LeaseId.None, KeyCondition.None));
        Assert.That(_machine.Do(new PutRoleCommand("r", [Reads])), Is.InstanceOf<QuotaExceeded>());
        Assert.That(_machine.Do(new PutPrincipalCommand("q", [.. BuiltInRoles.Names], IsDisabled: false)), Is.InstanceOf<QuotaExceeded>());
        _machine.Change(new PutRevocationCommand(Print, new string('x', 200)));
        _machine.Change(new PutPrincipalCommand("p", ["reader"], IsDisabled: true));
        _machine.Change(new DeletePrincipalCommand("p"));
    }

    [Test]
    public void Rights_begin_to_be_judged_with_an_administrator_and_never_end()
    {
        _machine.Change(new EnableAuthCommand("admin"));
        Assert.That(_machine.View.GetPrincipal("admin"), Is.EqualTo(new PrincipalInfo("admin", ["admin"], IsDisabled: false)));
        Assert.That(_machine.Do(new PutRoleCommand("r", []), principal: "someone"), Is.InstanceOf<Forbidden>());
        Assert.That(_machine.Do(new PutRoleCommand("r", []), principal: "admin"), Is.InstanceOf<PolicyChanged>());
        _machine.Change(new DeletePrincipalCommand("admin"));
        _machine.Change(new EnableAuthCommand("admin"));
        Assert.That(_machine.View.GetPrincipal("admin"), Is.Null, "enabled already, it gives nobody anything");
    }

    [Test]
    public void An_administrator_who_would_be_none_is_refused()
    {
        _machine.Change(new PutPrincipalCommand("admin", ["reader"], IsDisabled: false));
        Refused(PolicyRefusal.NoAdministrator, new EnableAuthCommand("admin"), "admin");
        _machine.Change(new PutPrincipalCommand("admin", ["admin"], IsDisabled: true));
        Refused(PolicyRefusal.NoAdministrator, new EnableAuthCommand("admin"), "admin");
        _machine.Change(new PutPrincipalCommand("admin", ["reader", "admin"], IsDisabled: false));
        _machine.Change(new EnableAuthCommand("admin"));
        Assert.That(_machine.View.GetPrincipal("admin")!.Roles, Is.EqualTo(new[] { "reader", "admin" }), "what is bound already stays");
    }

    [Test]
    public void A_retry_of_a_change_is_told_what_came_of_it_and_changes_nothing()
    {
        var changed = (PolicyChanged)_machine.Do(new PutRoleCommand("r", [Reads]), "k");
        var same = (PolicyChanged)_machine.Do(new PutRoleCommand("r", [Reads]), "l");
        var refused = (PolicyRefused)_machine.Do(new DeletePrincipalCommand("p"), "m");
        _machine.Change(new DeleteRoleCommand("r"));
        _machine.Change(new PutPrincipalCommand("p", [], IsDisabled: false));
        foreach (var restored in new[] { false, true })
        {
            Assert.That(_machine.Do(new PutRoleCommand("r", [Reads]), "k"), Is.EqualTo(changed));
            Assert.That(_machine.Do(new PutRoleCommand("r", [Reads]), "l"), Is.EqualTo(same));
            Assert.That(_machine.Do(new DeletePrincipalCommand("p"), "m"), Is.EqualTo(refused));
            _machine.RestoreFromSnapshot();
        }
        Assert.That(_machine.View.GetRole("r"), Is.Null);
        Assert.That(_machine.View.GetPrincipal("p"), Is.Not.Null);
    }

    [Test]
    public void A_change_holds_for_what_is_judged_behind_it_in_views_and_after_a_snapshot()
    {
        _machine.Allow("p", Reads);
        _machine.Enable();
        var read = Access.ToPrefix(Spaces.Keys, Verbs.Read, Machine.Key("a/"));
        var before = _machine.View;
        _machine.Change(new PutRoleCommand("p", []));
        var after = _machine.View;
        var p = new Actor("p", $"c:{new string('0', 64)}");
        Assert.That(
            (before.Judge(p, [read]), after.Judge(p, [read])?.Reason), Is.EqualTo(((Denial?)null, (DenialReason?)DenialReason.NotAllowed)),
            "each view by its own");
        _machine.Change(new PutRoleCommand("p", [Reads]));
        _machine.Change(new PutRevocationCommand(Print, ""));
        _machine.RestoreFromSnapshot();
        Assert.That(_machine.View.Judge(p, [read])?.Reason, Is.EqualTo(DenialReason.Revoked));
        Assert.That(_machine.View.Judge(p with { Credential = "j:k8s" }, [read]), Is.Null);
        Assert.That(
            (_machine.View.Policy.IsRevoked(Print), _machine.View.Policy.IsRevoked(new Key([1, .. new byte[31]]))),
            Is.EqualTo((true, false)));
    }

    [Test]
    public void All_of_it_is_listed_in_order_from_any_name_on()
    {
        foreach (var name in new[] { "b", "a", "c" })
        {
            _machine.Allow(name, Reads);
            _machine.Change(new PutRevocationCommand(new Key([(byte)name[0], .. new byte[31]]), name));
        }
        var view = _machine.View;
        Assert.That(view.ListRoles("").Select(role => role.Name), Is.EqualTo(new[] { "a", "b", "c" }));
        Assert.That(view.ListPrincipals("a").Select(principal => principal.Name), Is.EqualTo(new[] { "b", "c" }));
        Assert.That(view.ListRevocations(default).Select(revocation => revocation.Note), Is.EqualTo(new[] { "a", "b", "c" }));
        Assert.That(view.ListRevocations(view.ListRevocations(default).First().Fingerprint).Count(), Is.EqualTo(2));
        Assert.That((view.Counts.Roles, view.Counts.Principals, view.Counts.Revocations), Is.EqualTo((3L, 3L, 3L)));
        Assert.That(view.GetRevocation(new Key([(byte)'b', .. new byte[31]]))!.Note, Is.EqualTo("b"));
    }
}
