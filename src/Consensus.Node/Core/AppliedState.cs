using Consensus.Primitives;
using Consensus.Raft;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>What this member has applied: the replicated state with its place in the log, and the newest view of it that was taken.</summary>
internal sealed class AppliedState(ReplicatedState state, Term term, Configuration configuration)
{
    private StateView? _view;

    public ReplicatedState State { get; private set; } = state;

    /// <summary>Of the last entry that was applied.</summary>
    public Term Term { get; set; } = term;

    /// <summary>The last one that was applied, which is committed.</summary>
    public Configuration Configuration { get; set; } = configuration;

    public LogIndex Index => State.AppliedIndex;

    /// <summary>There is one once <see cref="FreshenView"/> was called: none is taken before a member has applied what its log knows to be committed, as each costs the next writes copies.</summary>
    public StateView View => _view!;

    /// <summary>Loop time, in microseconds, at which the view was taken.</summary>
    public long ViewTakenAt { get; private set; }

    /// <summary>Where the present state stands in the log.</summary>
    public SnapshotMark Mark => new(State.AppliedIndex, Term, State.AppliedStamp, Configuration);

    /// <summary>A snapshot takes the place of the state.</summary>
    public void Replace(ReplicatedState state, SnapshotMark mark)
    {
        Invariant.Require(mark.LastIndex > State.AppliedIndex, "a snapshot never takes the state back");
        Invariant.Require(state.AppliedIndex == mark.LastIndex, "a snapshot holds what its mark says");
        (State, Term, Configuration) = (state, mark.LastTerm, mark.Configuration);
    }

    /// <summary>Sees to it that the view shows what is applied. Idempotent.</summary>
    public void FreshenView(long now)
    {
        if (_view is null || _view.AppliedIndex != State.AppliedIndex)
        {
            _view = State.TakeView();
            ViewTakenAt = now;
        }
    }
}
