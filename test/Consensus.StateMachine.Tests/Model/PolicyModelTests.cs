using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tests.Policies;

namespace Consensus.StateMachine.Tests.Model;

/// <summary>
/// Drawn commands of several principals while roles, bindings and revocations change, against the rules as they are said: what is refused
/// is what they do not allow, nobody is granted anything that it may not hold at that very entry, and who waits in vain is told so.
/// </summary>
public sealed class PolicyModelTests
{
    private static readonly string[] Names = ["ann", "ben", "eve", ""];
    private static readonly string[] Roles = ["r0", "r1", "r2"];
    private static readonly string[] Prints = [new string('1', 64), new string('2', 64)];

    /// <summary>Of each name one token, which is there or is not.</summary>
    private static string TokenOf(string name) => new(name[0], PolicyNames.TokenIdLength);

    private static readonly string[] Texts = ["a", "a/", "a/b", "b", "c", ""];

    private readonly Dictionary<string, AccessRule[]> _rules = [];
    private readonly Dictionary<string, PrincipalInfo> _bound = [];
    private readonly HashSet<string> _revoked = [];

    /// <summary>Who asked and was told to wait, and nothing else yet.</summary>
    private readonly Dictionary<RequestId, (Actor Actor, ObjectName[] Names)> _waiting = [];
    private readonly Dictionary<FencingToken, string> _owners = [];
    private Machine _machine = null!;

    private static Key Name(DeterministicRandom random) => Machine.Key(Texts[random.Next(Texts.Length)]);

    private static AccessRule DrawRule(DeterministicRandom random)
    {
        var name = Name(random);
        return new AccessRule((Verbs)random.Next(1, 16), (Spaces)random.Next(1, 32), name, name.IsEmpty || random.Chance(2, 3));
    }

    private IEnumerable<AccessRule> RulesOf(string name) =>
        _bound.TryGetValue(name.Length == 0 ? "anonymous" : name, out var bound) && !bound.IsDisabled
            ? bound.Roles.SelectMany(role => _rules[role])
            : [];

    private bool Covers(Actor actor, Spaces space, Verbs verb, Key name, bool isPrefix) => !_revoked.Contains(actor.Credential)
        && RulesOf(actor.Name).Any(rule =>
            (rule.Verbs & verb) != 0
            && (rule.Spaces & space) != 0
            && (rule.IsPrefix ? name.StartsWith(rule.Name) : !isPrefix && name == rule.Name));

    private bool MayHold(Actor actor, ObjectName name) => Covers(actor, Access.SpaceOf(name.Space), Verbs.Hold, name.Name, isPrefix: false);

    private bool UsesLeases(Actor actor) =>
        !_revoked.Contains(actor.Credential) && RulesOf(actor.Name).Any(rule => (rule.Verbs & (Verbs.Write | Verbs.Hold)) != 0);

    /// <summary>What the access needs is there, and what it names is the actor's own.</summary>
    private bool Allows(Actor actor, Access access, StateView before)
    {
        if (access.Right != SystemRights.None)
        {
            var owner = access.IsOneOfMany ? null : before.GetLease(access.Lease)?.Principal;
            return (access.Right & SystemRights.UseLeases) != 0 && UsesLeases(actor) && (owner is null || owner == actor.Name);
        }
        if (access.Token == FencingToken.None)
        {
            return Covers(actor, access.Space, access.Verb, access.Name, access.IsPrefix);
        }
        var isHeld = before.GetObject(NameOf(access)).Holders.Any(hold => hold.Token == access.Token);
        return Covers(actor, access.Space, Verbs.Break, access.Name, isPrefix: false)
            || (Covers(actor, access.Space, Verbs.Hold, access.Name, isPrefix: false) && (!isHeld || _owners[access.Token] == actor.Name));
    }

    /// <summary>
    /// A lease is kept alive whole: each hold that hangs on it may be held by its principal still, or broken by whoever renews it.
    /// </summary>
    private bool KeepsAll(Actor actor, LeaseId lease, StateView before) => (before.GetLease(lease)?.Holds ?? []).All(name =>
        before.GetObject(name).Holders.Where(hold => hold.Lease == lease).All(hold =>
            MayHold(new Actor(_owners[hold.Token], ""), name)
            || Covers(actor, Access.SpaceOf(name.Space), Verbs.Break, name.Name, isPrefix: false)));

    /// <summary>The lease that a renewal of a hold keeps alive; null for all else.</summary>
    private static LeaseId? RenewedBy(Command command, StateView before) => command is RenewHoldCommand renewal
        ? before.GetObject(renewal.Object).Holders.FirstOrDefault(hold => hold.Token == renewal.Token)?.Lease
        : null;

    private static ObjectName NameOf(Access access) =>
        new(Enum.GetValues<HoldSpace>().Single(space => Access.SpaceOf(space) == access.Space), access.Name);

    private void Change(DeterministicRandom random)
    {
        switch (random.Next(4))
        {
            case 0 or 1:
                var role = Roles[random.Next(Roles.Length)];
                _rules[role] = [.. Enumerable.Range(0, (int)random.Next(5)).Select(_ => DrawRule(random))];
                _machine.Change(new PutRoleCommand(role, [.. _rules[role]]));
                break;
            case 2:
                var name = Names[random.Next(Names.Length)];
                name = name.Length == 0 ? "anonymous" : name;
                _bound[name] = new PrincipalInfo(name, [.. Roles.Where(_ => random.Chance(1, 2))], random.Chance(1, 6));
                _machine.Change(new PutPrincipalCommand(name, _bound[name].Roles, _bound[name].IsDisabled));
                break;
            default:
                if (random.Chance(1, 2))
                {
                    ChangeToken(random);
                    return;
                }
                var print = Prints[random.Next(Prints.Length)];
                var fingerprint = new Key(Convert.FromHexString(print));
                var isRevoked = !_revoked.Add("c:" + print) && _revoked.Remove("c:" + print);
                _machine.Change(isRevoked ? new DeleteRevocationCommand(fingerprint) : new PutRevocationCommand(fingerprint, ""));
                break;
        }
    }

    private void ChangeToken(DeterministicRandom random)
    {
        var name = Names[random.Next(Names.Length - 1)];
        var isRevoked = !_revoked.Add("t:" + TokenOf(name)) && _revoked.Remove("t:" + TokenOf(name));
        _machine.Change(
            isRevoked
                ? new PutTokenCommand(TokenOf(name), new Key(new byte[32]), name, 1_000, 1_000)
                : new RevokeTokenCommand(TokenOf(name), random.Chance(1, 2), 0));
    }

    private void Do(Command command, Actor actor)
    {
        var (before, seen) = (_machine.View, _machine.All.Count);
        var outcome = _machine.Do(command, principal: actor.Principal);
        if (Accesses.Of(command) is { } accesses)
        {
            var isAllowed = !_revoked.Contains(actor.Credential)
                && !(_bound.TryGetValue(actor.Name, out var bound) && bound.IsDisabled)
                && accesses.All(access => Allows(actor, access, before))
                && (RenewedBy(command, before) is not { } lease || KeepsAll(actor, lease, before))
                && (command is not RenewLeasesCommand { Ids: [var only] } || KeepsAll(actor, only, before));
            Assert.That(outcome is not Forbidden, Is.EqualTo(isAllowed), $"{command} by {actor}: {outcome}");
        }
        foreach (var renewal in outcome is LeasesRenewed { Renewals: { Length: > 1 } many } ? many : [])
        {
            var isKept = before.GetLease(renewal.Id)?.Principal == actor.Name && KeepsAll(actor, renewal.Id, before);
            Assert.That(renewal.Alive, Is.EqualTo(isKept), $"{renewal} of {command} by {actor}");
        }
        if (outcome is HoldQueued)
        {
            ObjectName[] names = command is AcquireManyCommand many
                ? [.. many.Names.Select(ObjectName.Lock)]
                : [((AcquireCommand)command).Object];
            _waiting[_machine.Last] = (actor, names);
        }
        foreach (var (request, resolved) in _machine.All.Skip(seen))
        {
            var asker = _waiting.TryGetValue(request, out var waiting) ? waiting.Actor : actor;
            foreach (var hold in Grants.Of(resolved))
            {
                Assert.That(MayHold(asker, hold.Object), $"{asker} was granted the {hold.Object} with {command}");
                _owners[hold.Token] = asker.Name;
            }
            if (resolved is Forbidden && request != _machine.Last)
            {
                Assert.That(_waiting, Does.ContainKey(request), "who waited is told");
            }
            if (resolved is not HoldQueued)
            {
                _waiting.Remove(request);
            }
        }
    }

    [Test]
    public void What_the_rules_allow_is_done_and_nothing_else([Range(1, 60)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        _machine = new Machine(new Limits { MaxObjectsPerStep = random.Chance(1, 2) ? 4 : 500, MaxObjectsPerCommand = 10 });
        _rules.Clear();
        _bound.Clear();
        _revoked.Clear();
        _revoked.UnionWith(Names.Where(static name => name.Length > 0).Select(static name => "t:" + TokenOf(name)));
        _waiting.Clear();
        _owners.Clear();
        foreach (var role in Roles)
        {
            _rules[role] = [AccessRule.Everything];
            _machine.Change(new PutRoleCommand(role, [AccessRule.Everything]));
        }
        foreach (var name in Names.Where(name => name.Length > 0))
        {
            _bound[name] = new PrincipalInfo(name, ["r0"], IsDisabled: false);
            _machine.Change(new PutPrincipalCommand(name, ["r0"], IsDisabled: false));
        }
        _machine.Enable();
        for (var i = 0; i < 400; i++)
        {
            _machine.Pass(random.Next(300_000));
            if (random.Chance(1, 15))
            {
                Change(random);
            }
            var asker = Names[random.Next(Names.Length)];
            var credential = random.Chance(1, 2) ? "c:" + Prints[random.Next(Prints.Length)]
                : asker.Length > 0 && random.Chance(1, 3) ? "t:" + TokenOf(asker)
                : "";
            Do(DrawnCommands.Draw(random, _machine), new Actor(asker, credential));
            if (random.Chance(1, 40))
            {
                _machine.RestoreFromSnapshot();
            }
            if (random.Chance(1, 10))
            {
                Settle();
            }
        }
    }

    /// <summary>Until nothing is left over: then all that still wait may have what they wait for.</summary>
    private void Settle()
    {
        while (_machine.State.NextDeadline <= _machine.Now)
        {
            Do(new ExpireCommand(), Actor.Nobody);
        }
        foreach (var (request, (actor, names)) in _waiting)
        {
            Assert.That(names.All(name => MayHold(actor, name)), $"{request} of {actor} waits in vain");
        }
    }
}
