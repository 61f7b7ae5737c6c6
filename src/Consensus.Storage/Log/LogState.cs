using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Storage.Log;

/// <summary>
/// What the log's records add up to, apart from the entries themselves. The same steps judge a record when it is written (a broken rule is
/// a bug) and when it is read again (a broken rule is corruption); each returns what is wrong, or null.
/// </summary>
/// <param name="Configuration">In force before the first entry after <see cref="Mark"/>: the snapshot's, or the initial one.</param>
/// <param name="Mark">The newest snapshot in use. <c>Mark.LastIndex &lt;= LastIndex</c>.</param>
internal sealed record LogState(HardState HardState, Configuration Configuration, SnapshotMark? Mark, LogIndex LastIndex)
{
    public LogIndex MarkIndex => Mark?.LastIndex ?? LogIndex.Zero;

    /// <summary>
    /// Entries up to here are committed, as far as the records say: a lower bound, which a segment's header does not repeat.
    /// <c>MarkIndex &lt;= Commit &lt;= LastIndex</c>.
    /// </summary>
    public LogIndex Commit => LogIndex.Max(MarkIndex, RecordedCommit);

    private LogIndex RecordedCommit { get; init; }

    /// <summary>Terms never go back, and a vote is not taken back within its term. Raft figure 2.</summary>
    public string? TryVote(HardState next, out LogState after)
    {
        after = this with { HardState = next };
        if (next.Term < HardState.Term)
        {
            return $"the term goes back from {HardState.Term} to {next.Term}";
        }
        return next.Term == HardState.Term && !HardState.VotedFor.IsNone && next.VotedFor != HardState.VotedFor
            ? $"the vote of term {next.Term} changes from {HardState.VotedFor} to {next.VotedFor}"
            : null;
    }

    /// <summary>Entries [first, last] in place of everything from <paramref name="first"/> on.</summary>
    public string? TryAppend(LogIndex first, LogIndex last, out LogState after)
    {
        after = this with { LastIndex = last };
        if (first > LastIndex.Next)
        {
            return $"entry {first} follows entry {LastIndex}";
        }
        if (first <= MarkIndex)
        {
            return $"entry {first} is written again though the snapshot at {MarkIndex} covers it";
        }
        return first <= Commit ? $"entry {first} is written again though entries up to {Commit} were committed" : null;
    }

    /// <summary>Entries up to <paramref name="commit"/>, all of them written, are committed.</summary>
    public string? TryCommit(LogIndex commit, out LogState after)
    {
        after = this with { RecordedCommit = commit };
        if (commit > LastIndex)
        {
            return $"entry {commit} is said to be committed in a log that ends at {LastIndex}";
        }
        return commit < RecordedCommit ? $"what is committed goes back from {RecordedCommit} to {commit}" : null;
    }

    /// <summary>A leader's snapshot in place of the whole log.</summary>
    public string? TryInstall(SnapshotMark mark, out LogState after)
    {
        after = this with { Mark = mark, Configuration = mark.Configuration, LastIndex = mark.LastIndex };
        return mark.LastIndex < MarkIndex ? $"a snapshot at {mark.LastIndex} is installed over the one at {MarkIndex}" : null;
    }

    /// <summary>A snapshot of this member's own. One that is older than the present mark changes nothing: another was installed meanwhile.</summary>
    public string? TryTake(SnapshotMark mark, out LogState after)
    {
        after = mark.LastIndex > MarkIndex ? this with { Mark = mark, Configuration = mark.Configuration } : this;
        return mark.LastIndex > LastIndex ? $"a snapshot at {mark.LastIndex} is taken of a log that ends at {LastIndex}" : null;
    }
}
