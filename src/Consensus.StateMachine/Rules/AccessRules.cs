using System.Runtime.InteropServices;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// Whether whoever asks may have the entry's command done, by the policy at its index (rule 21): so a revocation that was answered holds
/// for all that is applied behind it, on every member. While the policy is not enabled, each question is one comparison.
/// </summary>
internal sealed class AccessRules(StateTables state, Applying entry) : IOwners
{
    private readonly List<Access> _accesses = [];

    /// <summary>
    /// A credential that is not believed any more gets no answer that was kept either: it may be a thief's, under whatever name.
    /// </summary>
    public Forbidden? RefuseRevoked(Command command)
    {
        if (!state.Policies.IsEnabled || Rights.Refusal != DenialReason.Revoked)
        {
            return null;
        }
        _accesses.Clear();
        return Accesses.Add(command, _accesses) ? new Forbidden(state.Revision, DenialReason.Revoked) : null;
    }

    /// <summary>The refusal of the command; null when it may be done. Judged before anything is looked at that it names.</summary>
    public Forbidden? Refuse(Command command)
    {
        if (!state.Policies.IsEnabled)
        {
            return null;
        }
        _accesses.Clear();
        return Accesses.Add(command, _accesses)
            && Judgement.Of(Rights, entry.Principal, this, CollectionsMarshal.AsSpan(_accesses)) is { } denial
            ? new Forbidden(state.Revision, denial.Reason) { Missing = denial.Missing }
            : null;
    }

    /// <summary>The refusal to keep a lease alive, each of several by itself.</summary>
    public Forbidden? RefuseRenewal(LeaseRecord lease)
    {
        if (!state.Policies.IsEnabled)
        {
            return null;
        }
        return Judgement.MayKeep(Rights, entry.Principal, lease.Principal)
            ? RefuseHoldsOf(lease)
            : new Forbidden(state.Revision, DenialReason.NotOwner) { Missing = Access.ToLifeOf(lease.Id) };
    }

    /// <summary>
    /// The refusal to keep what hangs on a lease, by whichever of its holds: its client counts on all of them from then on, so that it is
    /// renewed whole or not at all. Each is to be held by its principal still, or whoever asks could break it.
    /// </summary>
    public Forbidden? RefuseHoldsOf(LeaseRecord lease)
    {
        if (!state.Policies.IsEnabled || lease.Holds == 0)
        {
            return null;
        }
        var policy = state.Policies.Compiled;
        var (at, isKnown, looked) = (state.Leases.Judged.UpTo(lease.Id, policy), true, 0);
        var known = at;
        var (holder, rights) = (entry.Principal, Rights);
        Forbidden? refusal = null;
        while (refusal is null && state.Holds.TryNextOf(lease.Id, at, out var key))
        {
            looked++;
            at = key.Token;
            var principal = OwnerOf(key.Object, key.Token)!;
            if (principal != holder)
            {
                (holder, rights) = (principal, RightsOf(principal));
            }
            var access = Access.To(key.Object, Verbs.Hold);
            if (rights.May(access))
            {
                known = isKnown ? at : known;
                continue;
            }
            isKnown = false;
            refusal = Rights.May(access.Broken) ? null
                : holder == entry.Principal ? new Forbidden(state.Revision, DenialReason.NotAllowed) { Missing = access }
                : new Forbidden(state.Revision, DenialReason.NotOwner);
        }
        entry.Output.Light += looked;
        state.Leases.Judged.Remember(lease, known, policy);
        return refusal;
    }

    /// <summary>
    /// Whether whoever waits may still hold all that it waits for, and the credential is believed with which it asked last.
    /// </summary>
    public bool MayHold(WaiterRecord waiter)
    {
        if (!state.Policies.IsEnabled)
        {
            return true;
        }
        var rights = state.Policies.Compiled.RightsOf(waiter.Actor);
        if (waiter.LockCount <= 1)
        {
            return rights.May(Access.To(waiter.Object, Verbs.Hold));
        }
        // The same answer in every line in which it stands: else it would hold up one for ever.
        foreach (var place in state.Waiters.PlacesOf(waiter))
        {
            if (!rights.May(Access.To(place.Object, Verbs.Hold)))
            {
                return false;
            }
        }
        return true;
    }

    public bool MayRead(Spaces space, Key name) => !state.Policies.IsEnabled || Rights.May(Access.To(space, Verbs.Read, name));

    /// <summary>As above, whoever it is that asks.</summary>
    public bool MayRead(ObjectName name, Actor actor) =>
        !state.Policies.IsEnabled || state.Policies.Compiled.RightsOf(actor).May(Access.To(name, Verbs.Read));

    public string? OwnerOf(LeaseId lease) => state.Leases.TryGet(lease, out var record) ? record.Principal : null;

    public string? OwnerOf(ObjectName name, FencingToken token) => state.Holds.Find(name, token)?.Principal;

    /// <summary>The bounds of whoever asks; null while nobody's rights are judged.</summary>
    public PrincipalLimits? Limits => state.Policies.IsEnabled ? Rights.Limits : null;

    private Rights Rights => state.Policies.Compiled.RightsOf(entry.Actor);

    /// <summary>What was taken outlives the credential with which it was.</summary>
    private Rights RightsOf(string principal) =>
        state.Policies.Compiled.RightsOf(new Actor(principal, principal == Actor.Local ? Actor.LocalCredential : ""));
}
