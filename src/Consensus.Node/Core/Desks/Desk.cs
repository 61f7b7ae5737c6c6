using Consensus.Primitives;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// Where requests of one kind wait for their answers: each desk has its own table of them, and a turn goes from desk to desk. A desk decides when something is sent and when it is
/// given up; it knows no other desk but the one for commands, which logs what a member does on its own account.
/// </summary>
internal abstract class Desk(TurnContext turn)
{
    protected TurnContext Turn { get; } = turn;

    /// <summary>Loop time at which the desk wants the next turn, should nothing happen; <see cref="long.MaxValue"/> when it only waits.</summary>
    public virtual long NextDue => long.MaxValue;

    /// <summary>It wants to be swept much more often than usual.</summary>
    public virtual bool IsHurried => false;

    /// <summary>Another member leads, or another term began: what rested for the leader before may go on.</summary>
    public virtual void LeaderChanged()
    {
    }

    /// <summary>The link to a member was closed, or another stands: what was sent over the one before may be lost, and what waited for a link may go.</summary>
    public virtual void LinkChanged(MemberId peer)
    {
    }

    /// <summary>What is queued goes to the leader, unless it rests.</summary>
    public virtual void Send()
    {
    }

    /// <summary>
    /// The first entry of a term is about to be applied. Log terms never fall along the log, so what was sent in an earlier term and was not applied never will be: it had no effect,
    /// and is queued again for the new leader (rule 19).
    /// </summary>
    public virtual void TermApplied(Term term)
    {
    }

    /// <summary>A snapshot took the place of the state. What became of requests among the entries that it hides cannot be told (rule 20).</summary>
    public virtual void SnapshotInstalled(Term lastTerm)
    {
    }

    /// <summary>What this turn applies is applied: whoever waited for it is answered.</summary>
    public virtual void AfterApply()
    {
    }

    /// <summary>Answers what reached its deadline; called now and then.</summary>
    public abstract void Sweep();

    /// <summary>The process ends: whatever is left is answered with what is known of it.</summary>
    public abstract void AnswerAll();
}
