using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>The entry that is being applied, and what comes of it: what every rule is given beside the tables. One object, filled anew for each entry.</summary>
internal sealed class Applying
{
    /// <summary>By which everything is judged: no rule knows another time.</summary>
    public ClusterTime Stamp { get; private set; }

    public RequestId Request { get; private set; }

    public Actor Actor { get; private set; } = Actor.Nobody;

    /// <summary>The name of the principal, by which identities and ownership go.</summary>
    public string Principal => Actor.Name;

    /// <summary>Under which the request may be retried; none without an idempotency key or a session's number.</summary>
    public Identity Identity { get; private set; }

    /// <summary>The request's number with what its client says of its session; none without one.</summary>
    public SessionRequest Session { get; private set; }

    /// <summary>Of the request. A part of the entry's bytes: what is kept of it is copied.</summary>
    public ReadOnlyMemory<byte> Fingerprint { get; private set; }

    /// <summary>That of the state before the command.</summary>
    public Revision RevisionBefore { get; private set; }

    public ApplyOutput Output { get; private set; } = new();

    /// <summary>
    /// How many waiters it has granted something, passed over, or detached with their process, and how many objects it has looked at for
    /// those who wait for several: one entry may not do more of that than <see cref="Limits.MaxObjectsPerStep"/> (rule 9).
    /// </summary>
    public int Promotions { get; set; }

    /// <summary>False while a command is done for whose outcome there is no room.</summary>
    public bool HasRoom { get; set; }

    /// <summary>True while a command is done under a number that its session did not know: what comes of it is kept.</summary>
    public bool IsNewNumber { get; set; }

    public void Begin(ClusterTime stamp, RequestId request, Actor actor, ApplyOutput output)
    {
        (Stamp, Request, Actor, Output) = (stamp, request, actor, output);
        (Identity, Session, Fingerprint, Promotions, IsNewNumber) = (default, default, default, 0, false);
    }

    public void Begin(in LoggedIdentity identity, Revision revisionBefore)
    {
        Session = identity.Session;
        Identity = Identity.Of(identity.Key, identity.Session, Principal);
        Fingerprint = identity.Fingerprint;
        RevisionBefore = revisionBefore;
    }

    public void Resolve(RequestId request, Outcome outcome)
    {
        Output.Objects++;
        Output.Resolutions.Add(new Resolution(request, outcome));
    }

    public ClusterTime DeadlineAfter(long micros) => micros >= ClusterTime.Never.Micros - Stamp.Micros ? ClusterTime.Never : Stamp.PlusMicros(micros);
}
