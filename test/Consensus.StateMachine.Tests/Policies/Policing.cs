using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;

namespace Consensus.StateMachine.Tests.Policies;

/// <summary>Who may do what, as tests say it. Whoever changes the policy does so at the member's own socket.</summary>
internal static class Policing
{
    public static readonly string Local = new Actor(Actor.Local, Actor.LocalCredential).Principal;

    private const Spaces Any = Spaces.Keys | Spaces.Locks | Spaces.Semaphores | Spaces.Elections | Spaces.Fences;

    public static AccessRule Rule(Verbs verbs, Spaces spaces, string name) => new(verbs, spaces, Machine.Key(name), IsPrefix: false);

    public static AccessRule Prefix(Verbs verbs, Spaces spaces, string prefix) => new(verbs, spaces, Machine.Key(prefix), IsPrefix: true);

    /// <summary>All that there is to say of all names that begin so.</summary>
    public static AccessRule All(string prefix) => Prefix(Verbs.Read | Verbs.Write | Verbs.Hold | Verbs.Break, Any, prefix);

    /// <summary>Makes a role of this name with these rules, and binds it to the principal of that name.</summary>
    public static void Allow(this Machine machine, string principal, params AccessRule[] rules)
    {
        machine.Change(new PutRoleCommand(principal, [.. rules]));
        machine.Change(new PutPrincipalCommand(principal, [principal], IsDisabled: false));
    }

    public static void Enable(this Machine machine) => machine.Change(new EnableAuthCommand(""));

    public static PolicyChanged Change(this Machine machine, PolicyCommand command)
    {
        var outcome = machine.Do(command, principal: Local);
        Assert.That(outcome, Is.InstanceOf<PolicyChanged>(), $"{command}: {outcome}");
        return (PolicyChanged)outcome;
    }

    /// <summary>The command is refused to the principal, and nothing was done.</summary>
    public static Forbidden Refuses(this Machine machine, Command command, string principal, string identity = "")
    {
        var (digest, revision) = (machine.View.Digest, machine.State.Revision);
        var outcome = machine.Do(command, identity, principal: principal);
        Assert.That(outcome, Is.InstanceOf<Forbidden>(), $"{command} by {principal}");
        Assert.That(machine.State.Revision, Is.EqualTo(revision), $"{command} did something");
        Assert.That(identity.Length > 0 || machine.View.Digest == digest, $"{command} did something");
        return (Forbidden)outcome;
    }
}
