using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>What is not allowed, as outcomes and as problems: the same words wherever it is judged.</summary>
internal static class Denials
{
    /// <summary>Null when the view allows it.</summary>
    public static Problem? Refusal(StateView view, Actor actor, params ReadOnlySpan<Access> accesses) =>
        view.Judge(actor, accesses) is { } denial ? ProblemOf(denial, view.Revision) : null;

    public static Forbidden OutcomeOf(Denial denial, Revision revision) => new(revision, denial.Reason) { Missing = denial.Missing };

    public static Problem ProblemOf(Denial denial, Revision revision) => OutcomeProblems.Of(OutcomeOf(denial, revision));
}
