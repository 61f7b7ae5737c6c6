using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>
/// What is refused in apply, whoever let it through to the log: the principals are <c>a</c> and <c>b</c>, each with all of what begins with
/// its letter.
/// </summary>
internal sealed class ForbiddenTests : PolicedTest
{
    private const string Print = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    private Machine _machine => Subject;

    private static TxnCompare Exists(string key) => new(CompareTarget.Exists, CompareOperator.Equal, Machine.Key(key), 1);

    [Test]
    public void A_transaction_that_names_what_is_forbidden_in_either_branch_does_nothing()
    {
        Done<PutDone>(Put("a"), "a");
        foreach (var taken in new[] { true, false })
        {
            TxnCompare[] compares = [new TxnCompare(CompareTarget.Exists, CompareOperator.Equal, Machine.Key("a"), taken ? 1 : 0)];
            foreach (var forbidden in new TxnOperation[]
            {
                new TxnPut(Machine.Key("b"), default, LeaseId.None),
                new TxnDelete(Machine.Key("b"), IsPrefix: false),
                new TxnGet(Machine.Key("b"), IsPrefix: false, 0),
                new TxnDelete(default, IsPrefix: true),
                new TxnGet(default, IsPrefix: true, 0),
            })
            {
                var allowed = new TxnPut(Machine.Key("a2"), default, LeaseId.None);
                _machine.Refuses(new TxnCommand([.. compares], [allowed], [forbidden]), "a");
                _machine.Refuses(new TxnCommand([.. compares], [forbidden, allowed], [allowed]), "a");
            }
        }
        _machine.Refuses(new TxnCommand([Exists("a"), Exists("b")], [], []), "a");
        _machine.Refuses(new TxnCommand([new TxnCompare(CompareTarget.Hold, CompareOperator.NotEqual, Machine.Key("b"), 5)], [], []), "a");
        var get = new TxnGet(Machine.Key("a"), IsPrefix: true, 0);
        Done<TxnDone>(
            new TxnCommand([Exists("a")], [new TxnPut(Machine.Key("a2"), default, LeaseId.None)], [get]),
            "a");
    }

    [Test]
    public void A_lease_is_used_kept_alive_ended_and_settled_by_its_principal_alone()
    {
        Lease(5, "a");
        Lease(6, "a", isSession: true);
        Assert.That(_machine.Refuses(Put("b", lease: 5), "b").Reason, Is.EqualTo(DenialReason.NotOwner));
        _machine.Refuses(new TxnCommand([], [], [new TxnPut(Machine.Key("b"), default, new LeaseId(5))]), "b");
        _machine.Refuses(Lock("b", "o", 0, ttl: 0) with { SharedLease = new LeaseId(5) }, "b");
        _machine.Refuses(new AcquireManyCommand([Machine.Key("b")], "o", 0, LeaseId.None, new LeaseId(6)), "b");
        _machine.Refuses(new RenewLeasesCommand([new LeaseId(5)]), "b");
        _machine.Refuses(new RevokeLeaseCommand(new LeaseId(5)), "b");
        _machine.Refuses(new SettleCommand(new LeaseId(6), 1), "b");
        Assert.That(_machine.View.GetLease(new LeaseId(5))!.Principal, Is.EqualTo("a"));

        Done<PutDone>(Put("a", lease: 5), "a");
        Done<LeasesRenewed>(new RenewLeasesCommand([new LeaseId(5)]), "a");
        Done<Settled>(new SettleCommand(new LeaseId(6), 1), "a");
        Done<LeaseRevoked>(new RevokeLeaseCommand(new LeaseId(5)), "a");
    }

    [Test]
    public void An_operator_keeps_alive_and_ends_the_leases_of_others_and_does_not_use_them()
    {
        _machine.Change(new PutPrincipalCommand("op", ["operator", "a"], IsDisabled: false));
        Lease(5, "a");
        Done<LeasesRenewed>(new RenewLeasesCommand([new LeaseId(5)]), "op");
        _machine.Refuses(Put("a", lease: 5), "op");
        Done<LeaseRevoked>(new RevokeLeaseCommand(new LeaseId(5)), "op");
    }

    [Test]
    public void Of_many_leases_that_are_renewed_at_once_each_is_answered_for_itself()
    {
        Lease(5, "a");
        Lease(6, "b");
        _machine.Pass(Second);
        var renewed = Done<LeasesRenewed>(new RenewLeasesCommand([new LeaseId(5), new LeaseId(6), new LeaseId(7)]), "a").Renewals;
        Assert.That(
            renewed.Select(item => (item.Alive, item.IsForbidden)), Is.EqualTo(new[] { (true, false), (false, true), (false, false) }));
        Assert.That(_machine.View.GetLease(new LeaseId(6))!.Deadline, Is.EqualTo(_machine.Now.PlusMicros(59 * Second)));
    }

    [Test]
    public void A_hold_is_renewed_released_and_handed_over_by_its_principal_alone()
    {
        var hold = Granted(Lock("shared/x", "o", 5), "a");
        _machine.Do(Lock("shared/x", "w", 6, wait: 60 * Second), principal: "b");
        var breaks = new ReleaseHoldCommand(hold.Name, default, Force: true);
        foreach (var guess in new Command[] { Renew(hold), Release(hold), HandOver(hold, "w"), Release(hold, force: true), breaks })
        {
            _machine.Refuses(guess, "b");
        }
        Assert.That(_machine.View.GetObject(hold.Object).Holder!.Token, Is.EqualTo(hold.Token));
        Done<HoldRenewed>(Renew(hold), "a");
        Done<HoldReleased>(Release(hold), "a");
    }

    [Test]
    public void Whoever_may_break_ends_the_holds_of_others()
    {
        _machine.Change(new PutPrincipalCommand("op", ["operator"], IsDisabled: false));
        var hold = Granted(Lock("a", "o", 5), "a");
        _machine.Refuses(Lock("a", "o", 6), "op");
        Done<HoldReleased>(Release(hold), "op");
        hold = Granted(Lock("a", "o", 7), "a");
        Done<HoldReleased>(new ReleaseHoldCommand(hold.Name, default, Force: true), "op");
        Done<FencePassed>(new FenceCommand(Machine.Key("a"), hold.Token), "a");
        _machine.Refuses(new ResetFenceCommand(Machine.Key("a")), "b");
        Done<FenceReset>(new ResetFenceCommand(Machine.Key("a")), "op");
    }

    [Test]
    public void A_lock_delay_is_for_the_owner_of_the_same_principal()
    {
        var lost = Granted(Lock("shared/x", "o", 5) with { LockDelayMicros = 10 * Second }, "a");
        Done<HoldReleased>(Release(lost, force: true), Local);
        Assert.That(_machine.View.GetObject(lost.Object).Delays[0].Principal, Is.EqualTo("a"));
        Done<HoldRefused>(Lock("shared/x", "o", 6), "b");
        _machine.RestoreFromSnapshot();
        Done<HoldRefused>(Lock("shared/x", "o", 6), "b");
        Done<HoldGranted>(Lock("shared/x", "o", 6), "a");
    }

    [Test]
    public void Nobody_comes_back_for_what_another_principals_owner_of_the_same_name_lost()
    {
        var lost = Granted(Lock("shared/x", "o", 5) with { LockDelayMicros = 10 * Second }, "a");
        var impostor = Waits(Lock("shared/x", "o", 6, wait: 60 * Second), "b");
        var owner = Waits(Lock("shared/x", "o", 7, wait: 60 * Second), "a");
        Done<HoldReleased>(Release(lost, force: true), Local);
        Assert.That(_machine.GrantOf(impostor), Is.Null);
        Assert.That(_machine.GrantOf(owner), Is.Not.Null, "it takes back what it lost, past the one before it");
    }

    [Test]
    public void Nobody_is_told_that_it_holds_what_another_principals_owner_of_the_same_name_has()
    {
        var alone = Granted(Lock("shared/x", "o", 5), "a");
        Assert.That(Done<HoldRefused>(Lock("shared/x", "o", 6), "b").Own, Is.EqualTo(FencingToken.None));
        Assert.That(Done<HoldRefused>(Lock("shared/x", "o", 6), "a").Own, Is.EqualTo(alone.Token));
        var shared = Granted(Shared("shared/y", "o", 7), "a");
        Assert.That(Done<HoldRefused>(Lock("shared/y", "o", 8), "b").Own, Is.EqualTo(FencingToken.None));
        Assert.That(Done<HoldRefused>(Lock("shared/y", "o", 8), "a").Own, Is.EqualTo(shared.Token));
    }

    [Test]
    public void A_hold_is_handed_over_to_a_waiter_of_its_own_principal()
    {
        var hold = Granted(Lock("shared/x", "o", 5), "a");
        var impostor = Waits(Lock("shared/x", "w", 6, wait: 60 * Second), "b");
        Done<NoSuchWaiter>(HandOver(hold, "w"), "a");
        var meant = Waits(Lock("shared/x", "w", 7, wait: 60 * Second), "a");
        var handed = Done<HandedOver>(HandOver(hold, "w"), "a").Hold;
        Assert.That((_machine.GrantOf(impostor), _machine.GrantOf(meant)?.Token), Is.EqualTo(((Hold?)null, handed.Token)));
        Done<HoldRenewed>(Renew(handed), "a");
    }

    [Test]
    public void A_deletion_wider_than_the_rule_deletes_nothing()
    {
        Done<PutDone>(Put("a/x"), "a");
        Done<PutDone>(Put("b/x"), "b");
        foreach (var prefix in new[] { "", "b", "b/x" })
        {
            _machine.Refuses(new DeletePrefixCommand(Machine.Key(prefix)), "a");
        }
        Done<DeleteDone>(new DeletePrefixCommand(Machine.Key("a/")), "a");
    }

    [Test]
    public void A_retry_is_told_what_was_done_also_when_it_may_not_be_done_any_more()
    {
        var put = Done<PutDone>(Put("a"), "a\u001fj:k8s", "k");
        Done<HoldGranted>(Lock("a", "o", 5), "a\u001fj:k8s", "l");
        _machine.Change(new PutPrincipalCommand("a", [], IsDisabled: true));
        Assert.That(_machine.Do(Put("a"), "k", principal: "a\u001fj:other"), Is.EqualTo(put), "by whatever credential");
        Done<HoldGranted>(Lock("a", "o", 5), "a", "l");
        Assert.That(_machine.Refuses(Put("a"), "a", "new").Reason, Is.EqualTo(DenialReason.Disabled));
    }

    [Test]
    public void The_same_key_of_another_principal_is_another_request()
    {
        Done<PutDone>(Put("a"), "a", "k");
        _machine.Refuses(Put("a"), "b", "k");
        Done<Withdrawn>(new WithdrawCommand(Machine.Key("k2")), "b");
        Done<PutDone>(Put("a"), "a", "k2");
    }

    [Test]
    public void A_refusal_is_final_for_its_request_and_the_next_one_is_judged_anew()
    {
        _machine.Refuses(Put("b"), "a", "k");
        _machine.Change(new PutPrincipalCommand("a", ["b"], IsDisabled: false));
        _machine.Refuses(Put("b"), "a", "k");
        _machine.RestoreFromSnapshot();
        _machine.Refuses(Put("b"), "a", "k");
        Done<PutDone>(Put("b"), "a", "k2");
        _machine.Pass(8 * Second);
        _machine.Refuses(Put("b"), "a", "k");
        _machine.Pass(8 * Second);
        Done<PutDone>(Put("b"), "a", "k");
    }

    [Test]
    public void Under_a_session_a_refusal_is_final_for_its_number()
    {
        Lease(9, "a", isSession: true);
        var number = new SessionRequest(new LeaseId(9), 1, 0);
        Done<Forbidden>(Put("b"), "a", session: number);
        _machine.Change(new PutPrincipalCommand("a", ["a", "b"], IsDisabled: false));
        Done<Forbidden>(Put("b"), "a", session: number);
        Done<PutDone>(Put("b"), "a", session: number with { Number = 2 });
        Assert.That(
            Done<SessionRefused>(Put("b"), "b", session: number with { Number = 3 }).Reason, Is.EqualTo(SessionRefusal.Ended),
            "to another there is no such session");
    }

    [Test]
    public void Nothing_that_is_logged_behind_a_revoked_credential_has_an_effect_of_it()
    {
        var (thief, owner) = ($"a\u001fc:{Print}", "a\u001fj:k8s");
        Done<PutDone>(Put("a"), thief, "k");
        Lease(9, thief, isSession: true);
        _machine.Change(new PutRevocationCommand(new Key(Convert.FromHexString(Print)), "stolen"));
        Assert.That(_machine.Refuses(Put("a"), thief).Reason, Is.EqualTo(DenialReason.Revoked));
        Assert.That(_machine.Refuses(Put("a"), thief, "k").Reason, Is.EqualTo(DenialReason.Revoked), "not even what was kept");
        Done<Forbidden>(Put("a"), thief, session: new SessionRequest(new LeaseId(9), 5, 4));
        Assert.That(_machine.View.GetSession(new LeaseId(9))!.Acked, Is.Zero);
        Done<Forbidden>(Put("a2"), thief, "poisoned");
        Done<PutDone>(Put("a2"), owner, "poisoned");
        Done<PutDone>(Put("a"), owner, "k");
        _machine.Change(new DeleteRevocationCommand(new Key(Convert.FromHexString(Print))));
        Done<PutDone>(Put("a"), thief);
    }

    [Test]
    public void Nobody_but_an_administrator_changes_who_may_do_what_or_the_bounds()
    {
        var changes = new Command[]
        {
            new PutRoleCommand("r", []),
            new DeleteRoleCommand("b"),
            new PutPrincipalCommand("a", ["admin"], IsDisabled: false),
            new DeletePrincipalCommand("b"),
            new PutRevocationCommand(new Key(new byte[32]), ""),
            new DeleteRevocationCommand(new Key(new byte[32])),
            new EnableAuthCommand("a"),
            new PutTokenCommand("abcdefghijk", new Key(new byte[32]), "a", 1, 1),
            new RevokeTokenCommand("abcdefghijk", Only: false, 0),
            new PutSettingCommand(Setting.MaxFences, 5_000),
        };
        foreach (var role in BuiltInRoles.Names.Where(role => role != BuiltInRoles.Admin))
        {
            _machine.Change(new PutPrincipalCommand("p", [role], IsDisabled: false));
            Array.ForEach(changes, change => _machine.Refuses(change, "p"));
            _machine.Refuses(Put("a"), "p");
        }
        _machine.Change(new PutPrincipalCommand("p", ["admin"], IsDisabled: false));
        Array.ForEach(changes, change => Assert.That(_machine.Do(change, principal: "p"), Is.Not.InstanceOf<Forbidden>(), $"{change}"));
    }

    [Test]
    public void Whoever_shows_no_credential_may_do_what_is_bound_to_anonymous()
    {
        _machine.Refuses(Put("a"), "");
        _machine.Change(new PutPrincipalCommand("anonymous", ["a"], IsDisabled: false));
        Done<PutDone>(Put("a"), "");
        _machine.Refuses(Put("b"), "");
    }

    [Test]
    public void Before_it_is_enabled_all_is_allowed_and_what_began_then_belongs_to_who_asked()
    {
        Subject = new Machine();
        _machine.Allow("a", All("a"));
        var hold = Granted(Lock("b", "o", 5), "b");
        Done<HoldRenewed>(Renew(hold), "a");
        Done<PutDone>(Put("b"), "a");
        _machine.Allow("b", All("b"));
        _machine.Enable();
        _machine.Refuses(Renew(hold), "a");
        Done<HoldRenewed>(Renew(hold), "b");
    }

    [Test]
    public void A_member_does_what_nobody_asks_for_whatever_the_policy_says()
    {
        Lease(5, "a");
        _machine.Change(new PutPrincipalCommand("anonymous", [], IsDisabled: true));
        _machine.Pass(61 * Second);
        Done<Noted>(new ExpireCommand(), "");
        Assert.That(_machine.View.GetLease(new LeaseId(5)), Is.Null);
        Done<Noted>(new AnnounceMemberCommand(new MemberId(1), "n1", 1, "u", "p", "v", 0), "");
    }

    [Test]
    public void A_lease_is_shown_without_the_names_that_may_not_be_read()
    {
        _machine.Change(new PutPrincipalCommand("op", ["operator"], IsDisabled: false));
        Lease(5, "a");
        Done<PutDone>(Put("a1", lease: 5), "a");
        Done<PutDone>(Put("a2", lease: 5), "a");
        Granted(Lock("a", "o", 0, ttl: 0) with { SharedLease = new LeaseId(5) }, "a");
        var shown = _machine.View.GetLease(new LeaseId(5), new Actor("op", ""))!;
        Assert.That((shown.Keys.Length, shown.KeyCount, shown.Holds.Length, shown.HiddenNames), Is.EqualTo((0, 2L, 1, 2)));
        var own = _machine.View.GetLease(new LeaseId(5), new Actor("a", ""))!;
        Assert.That((own.Keys.Length, own.Holds.Length, own.HiddenNames), Is.EqualTo((2, 1, 0)));
    }

    [Test]
    public void A_view_judges_as_apply_does([Range(1, 6)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        Lease(1, "a");
        Lease(2, "b", isSession: true);
        for (var i = 0; i < 1_500; i++)
        {
            var command = Model.DrawnCommands.Draw(random, _machine);
            var principal = random.Chance(1, 2) ? "a" : "b";
            if (Accesses.Of(command) is not { } accesses)
            {
                continue;
            }
            var denial = _machine.View.Judge(new Actor(principal, ""), accesses.AsSpan());
            var outcome = _machine.Do(command, principal: principal);
            if (command is RenewLeasesCommand)
            {
                // One that was made for holds is judged by these too.
                Assert.That(denial is null || outcome is Forbidden, $"{command}");
                continue;
            }
            Assert.That(outcome is Forbidden, Is.EqualTo(denial is not null), $"{command} by {principal}");
        }
    }
}
