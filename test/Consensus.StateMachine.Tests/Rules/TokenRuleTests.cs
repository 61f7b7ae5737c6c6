using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;
using static Consensus.StateMachine.Tests.Policies.Policing;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>How tokens are made, put in the place of others, ended and forgotten.</summary>
internal sealed class TokenRuleTests
{
    private const string First = "aaaaaaaaaaa";
    private const string Second = "bbbbbbbbbbb";
    private const string Third = "ccccccccccc";
    private const string Other = "ddddddddddd";
    private const long Week = 7L * 24 * 3600;

    private static readonly Key Secret = new(Enumerable.Repeat((byte)1, 32).ToArray());

    private Machine _machine = null!;

    [SetUp]
    public void Form() => Form(Limits.Default);

    private void Form(Limits limits)
    {
        _machine = new Machine(limits);
        _machine.Allow("svc", All(""));
        _machine.Enable();
    }

    private static string By(string id) => new Actor("svc", "t:" + id).Principal;

    private static PutTokenCommand Put(string id = First, string principal = "svc", long notAfter = 1_000, long ttl = 900) =>
        new(id, Secret, principal, notAfter, ttl);

    private static RotateTokenCommand Rotation(string id, long notAfter = 1_500, long ttl = 900) => new(id, Secret, notAfter, ttl);

    private static PutCommand Write => new(Machine.Key("k"), "v"u8.ToArray(), LeaseId.None, KeyCondition.None);

    private PolicyChanged Changed(PolicyCommand command, string principal)
    {
        var outcome = _machine.Do(command, principal: principal);
        Assert.That(outcome, Is.InstanceOf<PolicyChanged>(), $"{command} by {principal}");
        return (PolicyChanged)outcome;
    }

    private void Refused(PolicyRefusal reason, PolicyCommand command, string? principal = null)
    {
        var view = _machine.View;
        var expected = new PolicyRefused(view.Revision, reason, view.Policy.Revision, "");
        Assert.That(_machine.Do(command, principal: principal ?? Policing.Local), Is.EqualTo(expected), $"{command}");
        Assert.That(_machine.View.Digest, Is.EqualTo(view.Digest));
    }

    private string[] Left() => [.. _machine.View.ListTokens("").Select(static token => token.Id)];

    [Test]
    public void A_token_is_made_with_its_first_time_however_often_it_is_asked_for()
    {
        var made = _machine.Change(Put());
        Assert.That(made.PolicyRevision, Is.EqualTo(made.Before + 1));
        Assert.That(_machine.Change(Put(notAfter: 2_000)).PolicyRevision, Is.EqualTo(made.PolicyRevision), "a retry comes later");
        Assert.That(_machine.View.GetToken(First), Is.EqualTo(new TokenInfo(First, Secret, "svc", First, 1_000, 900)));
        Refused(PolicyRefusal.OtherToken, Put() with { Secret = new Key(new byte[32]) });
        Refused(PolicyRefusal.OtherToken, Put(principal: "eve"));
        Refused(PolicyRefusal.OtherToken, Put(ttl: 901));
        Refused(PolicyRefusal.OtherRevision, Put(Second) with { ExpectedRevision = 1 });
        Assert.That(_machine.View.Counts.Tokens, Is.EqualTo(1));
    }

    [Test]
    public void What_is_no_token_is_refused()
    {
        foreach (var id in new[] { "", "aaaaaaaaaa", "aaaaaaaaaaaa", "aaaaaaaaaa-", "aaaaaaaaaa\u00e9" })
        {
            Refused(PolicyRefusal.Malformed, Put(id));
        }
        foreach (var name in new[] { "", "local", "a*", "a\u001fb", new string('x', 257) })
        {
            Refused(PolicyRefusal.Malformed, Put(principal: name));
        }
        Refused(PolicyRefusal.Malformed, Put() with { Secret = new Key(new byte[31]) });
        Refused(PolicyRefusal.Malformed, Put(ttl: 0));
        Refused(PolicyRefusal.Malformed, Put(notAfter: 0));
        Refused(PolicyRefusal.TooLong, Put(ttl: (365L * 24 * 3600) + 1));
        _machine.Change(Put(ttl: 365L * 24 * 3600));
    }

    [Test]
    public void Whoever_is_known_by_a_token_that_there_is_not_is_refused_whatever_was_kept()
    {
        _machine.Refuses(Write, By(First));
        _machine.Change(Put());
        Assert.That(_machine.Do(Write, "k", principal: By(First)), Is.InstanceOf<PutDone>());
        _machine.RestoreFromSnapshot();
        Assert.That(_machine.Do(Write, principal: By(First)), Is.InstanceOf<PutDone>());
        Assert.That(_machine.Do(Write, principal: new Actor("eve", "t:" + First).Principal), Is.InstanceOf<Forbidden>(), "it is another's");
        Assert.That(
            ((Forbidden)_machine.Do(Write, principal: new Actor("eve", "t:" + First).Principal)).Reason, Is.EqualTo(DenialReason.Revoked));
        _machine.Change(new RevokeTokenCommand(First, Only: false, 0));
        Assert.That(_machine.Refuses(Write, By(First)).Reason, Is.EqualTo(DenialReason.Revoked));
        Assert.That(_machine.Refuses(Write, By(First), "k").Reason, Is.EqualTo(DenialReason.Revoked), "not even what was kept");
    }

    [Test]
    public void A_holder_makes_another_of_its_own_family_and_for_no_longer()
    {
        _machine.Change(Put());
        Refused(PolicyRefusal.TooLong, Rotation(Second, ttl: 901), By(First));
        Changed(Rotation(Second, ttl: 800), By(First));
        Refused(PolicyRefusal.TooLong, Rotation(Third, ttl: 801), By(Second));
        Changed(Rotation(Third, ttl: 800), By(Second));
        Assert.That(_machine.View.GetToken(Third), Is.EqualTo(new TokenInfo(Third, Secret, "svc", First, 1_500, 800)));
        Assert.That(Changed(Rotation(Third, notAfter: 9_000, ttl: 800), By(First)).Before, Is.EqualTo(_machine.View.Policy.Revision));
        Refused(PolicyRefusal.NoTokenShown, Rotation(Other), "svc");
        Refused(PolicyRefusal.NoTokenShown, new EndOwnTokenCommand(0), "svc");
        Refused(PolicyRefusal.OtherToken, Rotation(First, ttl: 800), By(Second));
        Assert.That(_machine.Do(Put(Other), principal: By(First)), Is.InstanceOf<Forbidden>(), "an administrator's");
        Assert.That(_machine.Do(new RevokeTokenCommand(Second, Only: true, 0), principal: By(First)), Is.InstanceOf<Forbidden>());
    }

    [Test]
    public void Whoever_is_disabled_or_revoked_makes_no_other()
    {
        _machine.Change(Put());
        _machine.Change(new PutPrincipalCommand("svc", ["svc"], IsDisabled: true));
        _machine.Refuses(Rotation(Second), By(First));
        _machine.Change(new PutPrincipalCommand("svc", [], IsDisabled: false));
        Changed(Rotation(Second), By(First));
        _machine.Change(new RevokeTokenCommand(Second, Only: false, 0));
        _machine.Refuses(Rotation(Third), By(First));
        _machine.Refuses(new EndOwnTokenCommand(2_000), By(Second));
        Assert.That(Left(), Is.Empty);
    }

    [TestCase(First)]
    [TestCase(Third)]
    public void A_revocation_ends_the_family_unless_it_says_only(string named)
    {
        _machine.Change(Put());
        Changed(Rotation(Second), By(First));
        Changed(Rotation(Third), By(Second));
        _machine.Change(Put(Other));
        _machine.Change(new RevokeTokenCommand(Second, Only: true, 0));
        Assert.That(Left(), Is.EqualTo(new[] { First, Third, Other }));
        _machine.Change(new RevokeTokenCommand(named, Only: false, 0));
        Assert.That(Left(), Is.EqualTo(new[] { Other }));
        Refused(PolicyRefusal.Missing, new RevokeTokenCommand(named, Only: false, 0));
        Refused(PolicyRefusal.Missing, new RevokeTokenCommand(named, Only: true, 0));
    }

    [Test]
    public void A_family_whose_first_is_gone_is_ended_by_its_name()
    {
        _machine.Change(Put());
        Changed(Rotation(Second), By(First));
        Changed(new EndOwnTokenCommand(0), By(First));
        Refused(PolicyRefusal.Missing, new RevokeTokenCommand(First, Only: true, 0));
        _machine.Change(new RevokeTokenCommand(First, Only: false, 0));
        Assert.That(Left(), Is.Empty);
    }

    [Test]
    public void An_end_that_is_said_makes_none_longer()
    {
        _machine.Change(Put());
        Changed(Rotation(Second, notAfter: 1_500), By(First));
        Changed(new EndOwnTokenCommand(700), By(First));
        Assert.That(_machine.View.GetToken(First)!.NotAfter, Is.EqualTo(700));
        Assert.That(_machine.View.GetToken(Second)!.NotAfter, Is.EqualTo(1_500));
        Assert.That(Changed(new EndOwnTokenCommand(701), By(First)).Before, Is.EqualTo(_machine.View.Policy.Revision), "nothing changed");
        _machine.Change(new RevokeTokenCommand(Second, Only: false, 1_000));
        Assert.That(_machine.View.ListTokens("").Select(static token => token.NotAfter), Is.EqualTo(new[] { 700L, 1_000L }));
    }

    [Test]
    public void A_token_that_is_made_leaves_alone_who_waits_and_one_that_goes_does_not()
    {
        _machine.Change(Put());
        var hold = ((HoldGranted)_machine.Do(Asks.Lock("x", "o", 1), principal: "svc")).Hold;
        var first = _machine.Do(Asks.Lock("x", "w", 2, wait: 60 * Asks.Second), principal: By(First));
        var waits = _machine.Last;
        Assert.That(first, Is.InstanceOf<HoldQueued>());
        _machine.Change(Put(Second));
        _machine.Change(new RevokeTokenCommand(First, Only: true, 500));
        Assert.That(_machine.State.NextDeadline, Is.GreaterThan(_machine.Now), "nothing is left over");
        _machine.Change(new RevokeTokenCommand(First, Only: true, 0));
        _machine.Do(Asks.Release(hold), principal: "svc");
        Assert.That(_machine.State.NextDeadline, Is.LessThanOrEqualTo(_machine.Now));
        _machine.Do(new ExpireCommand());
        Assert.That(_machine.OutcomesOf(waits).Last(), Is.InstanceOf<Forbidden>());
    }

    [Test]
    public void What_is_to_end_makes_none_that_would_go_on()
    {
        _machine.Change(Put());
        Changed(Rotation(Second), By(First));
        _machine.Change(new RevokeTokenCommand(First, Only: false, 700));
        Refused(PolicyRefusal.TooLong, Rotation(Third, ttl: 2), By(First));
        Refused(PolicyRefusal.TooLong, Rotation(Third, ttl: 900), By(Second));
        Changed(Rotation(Third, notAfter: 701, ttl: 1), By(First));
    }

    [Test]
    public void No_token_is_called_as_a_family_whose_first_is_gone()
    {
        _machine.Change(Put());
        Changed(Rotation(Second), By(First));
        Changed(new EndOwnTokenCommand(0), By(First));
        _machine.Change(Put(Other));
        Refused(PolicyRefusal.OtherToken, Put());
        Refused(PolicyRefusal.OtherToken, Rotation(First), By(Other));
        Refused(PolicyRefusal.OtherToken, Rotation(First), By(Second));
        _machine.Change(new RevokeTokenCommand(Second, Only: false, 0));
        _machine.Change(Put());
    }

    [Test]
    public void One_family_takes_no_more_than_its_share()
    {
        Form(new Limits { MaxTokensOfFamily = 2 });
        _machine.Change(Put());
        Changed(Rotation(Second), By(First));
        Assert.That(
            _machine.Do(Rotation(Third), principal: By(Second)), Is.EqualTo(new BoundReached(_machine.State.Revision, BoundKind.Tokens, 2)));
        Changed(Rotation(Second), By(First));
        _machine.Change(Put(Other));
        Changed(new EndOwnTokenCommand(0), By(First));
        Changed(Rotation(Third), By(Second));
    }

    [Test]
    public void What_ended_long_ago_is_forgotten_a_step_at_a_time()
    {
        Form(new Limits { MaxObjectsPerStep = 2 });
        for (var i = 0; i < 3; i++)
        {
            _machine.Change(Put(new string((char)('a' + i), 11), notAfter: 1_000 + i));
        }
        _machine.Change(Put(Other, notAfter: 5_000));
        Assert.That(_machine.State.HasTokensToForget(1_000 + Week), Is.False);
        var revision = _machine.View.Policy.Revision;
        _machine.Do(new ForgetTokensCommand(1_000 + Week));
        Assert.That((Left().Length, _machine.View.Policy.Revision), Is.EqualTo((4, revision)), "an end is a moment of its own");
        Assert.That(_machine.State.HasTokensToForget(1_001 + Week), Is.True);
        _machine.Do(new ForgetTokensCommand(1_100 + Week));
        Assert.That(Left(), Is.EqualTo(new[] { Third, Other }));
        _machine.Do(new ForgetTokensCommand(1_100 + Week));
        Assert.That(Left(), Is.EqualTo(new[] { Other }));
        Assert.That(_machine.State.HasTokensToForget(1_100 + Week), Is.False);
    }

    [Test]
    public void They_have_their_bound_and_the_quota_refuses_them_and_no_end()
    {
        Form(new Limits { MaxTokens = 1 });
        _machine.Change(Put());
        Assert.That(
            _machine.Do(Put(Second), principal: Policing.Local),
                Is.EqualTo(new BoundReached(_machine.State.Revision, BoundKind.Tokens, 1)));
        Assert.That(_machine.Do(Rotation(Second), principal: By(First)), Is.InstanceOf<BoundReached>());
        Form(new Limits { MaxStateBytes = 5_000 });
        _machine.Change(Put());
        var room = 5_000 - _machine.State.Counts.StateBytes;
        _machine.Do(new PutCommand(Machine.Key("k"), new byte[room - 300], LeaseId.None, KeyCondition.None), principal: "svc");
        Assert.That(_machine.Do(Put(Second), principal: Policing.Local), Is.InstanceOf<QuotaExceeded>());
        _machine.Change(new RevokeTokenCommand(First, Only: false, 500));
        _machine.Change(new RevokeTokenCommand(First, Only: false, 0));
    }
}
