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

    /// <summary>
    /// The refusal to keep a lease alive, each of several by itself. One that was made for holds is those holds: whoever may not hold them
    /// any more does not keep them by their lease.
    /// </summary>
    public Forbidden? RefuseRenewal(LeaseRecord lease)
    {
        if (!state.Policies.IsEnabled)
        {
            return null;
        }
        if (!Judgement.MayKeep(Rights, entry.Principal, lease.Principal))
        {
            return new Forbidden(state.Revision, DenialReason.NotOwner) { Missing = Access.ToLifeOf(lease.Id) };
        }
        if (!lease.IsOwn || lease.Principal != entry.Principal)
        {
            return null;
        }
        foreach (var (name, _) in state.Holds.Of(lease.Id))
        {
            var hold = Access.To(name, Verbs.Hold);
            if (!Rights.May(hold))
            {
                return new Forbidden(state.Revision, DenialReason.NotAllowed) { Missing = hold };
            }
        }
        return null;
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

    public bool MayRead(Key key) => !state.Policies.IsEnabled || Rights.May(Access.To(Spaces.Keys, Verbs.Read, key));

    public string? OwnerOf(LeaseId lease) => state.Leases.TryGet(lease, out var record) ? record.Principal : null;

    public string? OwnerOf(ObjectName name, FencingToken token) => state.Holds.Find(name, token)?.Principal;

    private Rights Rights => state.Policies.Compiled.RightsOf(entry.Actor);
}
