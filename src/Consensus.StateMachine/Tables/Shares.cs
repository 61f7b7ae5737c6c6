using System.Runtime.InteropServices;
using Consensus.Primitives;

namespace Consensus.StateMachine.Tables;

/// <summary>How much of what is bounded one principal has.</summary>
/// <param name="Holds">Holds and waiting places together.</param>
/// <param name="KeptBytes">Of the kept outcomes of its requests.</param>
internal readonly record struct Share(long Leases, long Holds, long KeptBytes);

/// <summary>
/// What each principal has, counted by the tables that have it, in O(1): a principal without anything is not in it. It follows from the
/// tables, and is in no snapshot.
/// </summary>
internal sealed class Shares
{
    private readonly Dictionary<string, Share> _byPrincipal = new(StringComparer.Ordinal);

    public int Count => _byPrincipal.Count;

    public Share Of(string principal) => _byPrincipal.GetValueOrDefault(principal);

    /// <summary>Counts what came, or what went where it is less than 0.</summary>
    public void Add(string principal, long leases = 0, long holds = 0, long keptBytes = 0)
    {
        ref var share = ref CollectionsMarshal.GetValueRefOrAddDefault(_byPrincipal, principal, out _);
        share = new Share(share.Leases + leases, share.Holds + holds, share.KeptBytes + keptBytes);
        if (share == default)
        {
            _byPrincipal.Remove(principal);
        }
    }

    /// <summary>Throws unless this is what the tables have.</summary>
    public void Verify(LeaseTable leases, HoldTable holds, WaiterTable waiters, KeptAnswers kept)
    {
        var counted = new Shares();
        foreach (var lease in leases.Records)
        {
            counted.Add(lease.Principal, leases: 1);
        }
        foreach (var (_, hold) in holds.All())
        {
            counted.Add(hold.Principal, holds: 1);
        }
        foreach (var waiter in waiters.All())
        {
            counted.Add(waiter.Actor.Name, holds: 1);
        }
        foreach (var (identity, outcome) in kept.Items)
        {
            counted.Add(identity.Principal, keptBytes: KeptAnswers.SizeOf(identity, outcome));
        }
        Invariant.Require(Count == counted.Count, "whoever has something is counted, and nobody else");
        foreach (var (principal, share) in counted._byPrincipal)
        {
            Invariant.Require(Of(principal) == share, $"what the principal \"{principal}\" has is counted");
        }
    }
}
