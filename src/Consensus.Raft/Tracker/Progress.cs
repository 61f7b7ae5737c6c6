using Consensus.Primitives;

namespace Consensus.Raft.Tracker;

/// <summary>What the leader knows of one follower. Invariant: 0 &lt;= Match &lt; Next.</summary>
internal sealed class Progress(MemberId member, LogIndex next, long now, Inflights inflights)
{
    public MemberId Member { get; } = member;

    /// <summary>The follower's log is known to match, durably, up to here.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>The next entry to send; runs ahead of what is acknowledged while replicating.</summary>
    public LogIndex Next { get; private set; } = next;

    public ProgressState State { get; private set; } = ProgressState.Probe;

    /// <summary>While probing: one request is on its way, and nothing else is sent before its answer or a heartbeat's.</summary>
    public bool ProbeSent { get; set; }

    /// <summary>
    /// While probing: the request for this place went out before and is not answered. What it carried may still be on its way over a slow link: repeats
    /// carry nothing, or they would fill the link faster than it takes them.
    /// </summary>
    public bool IsProbeRepeated { get; private set; }

    /// <summary>While probing: tick before which nothing is sent, after a snapshot failed to arrive.</summary>
    public long PausedUntil { get; private set; }

    /// <summary>While replicating: acknowledgements stay out; an empty request shall find out whether something was lost.</summary>
    public bool AsksForGap { get; set; }

    /// <summary>Tick at which this follower last answered anything in this term.</summary>
    public long HeardAt { get; private set; } = now;

    /// <summary>It answered in this term at least once; until then <see cref="HeardAt"/> is only when it began to be followed.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Index of the configuration that leaves this member out; 0 while it is one. It is followed until it was told that this is committed.</summary>
    public LogIndex LeftOutAt { get; private set; }

    /// <summary>Tick at which a member that was left out is forgotten, told or not.</summary>
    public long ForgottenAt { get; private set; } = long.MaxValue;

    /// <summary>Tick at which <see cref="Match"/> last moved, or a request went out to a follower that owed no answer.</summary>
    public long AdvancedAt { get; set; } = now;

    /// <summary>Tick at which <see cref="Match"/> last moved, or the follower began to owe something.</summary>
    public long MovedAt { get; private set; } = now;

    /// <summary>While replicating: tick at which entries were last sent.</summary>
    public long SentAt { get; private set; } = long.MinValue;

    /// <summary>The highest commit index that a request to this follower let it reach.</summary>
    public LogIndex ToldCommit { get; set; }

    /// <summary>The follower waits for the commit index to reach this (rule 8).</summary>
    public LogIndex HurryThrough { get; set; }

    /// <summary>The highest read round that it answered.</summary>
    public long AnsweredRound { get; set; }

    /// <summary>In the snapshot state: the snapshot's last index.</summary>
    public LogIndex PendingSnapshot { get; private set; }

    /// <summary>In the snapshot state: tick at which a snapshot that was sent, but never acknowledged, is given up; <see cref="long.MaxValue"/> while it is being sent.</summary>
    public long SnapshotDeadline { get; private set; } = long.MaxValue;

    /// <summary>
    /// The snapshot that it was offered first while it catches up; null when it is level. Until then it is offered no other, and the log after it is kept: else it would be behind the
    /// log again when it has it.
    /// </summary>
    public SnapshotMark? Offered { get; private set; }

    /// <summary>Names the sending of <see cref="Offered"/>, however often it is begun anew.</summary>
    public long Transfer { get; private set; }

    /// <summary>What it needs of the log while it catches up comes after this.</summary>
    public LogIndex NeedsAfter => Offered is null || State == ProgressState.Replicate ? Match : LogIndex.Max(Match, Offered.LastIndex);

    /// <summary>Snapshots that did not arrive, one after the other.</summary>
    public int SnapshotFailures { get; private set; }

    /// <summary>Tick before which no snapshot is offered.</summary>
    public long NoSnapshotBefore { get; private set; } = long.MinValue;

    public Inflights Inflights { get; } = inflights;

    /// <summary>For people.</summary>
    public Contact Contact { get; } = new();

    public void Heard(long now)
    {
        HeardAt = now;
        HasAnswered = true;
    }

    /// <summary>The configuration at <paramref name="index"/> leaves it out: it is told so, if that can be done soon.</summary>
    public void LeaveOut(LogIndex index, long forgottenAt)
    {
        LeftOutAt = index;
        ForgottenAt = forgottenAt;
        HurryThrough = LogIndex.Max(HurryThrough, index);
    }

    /// <summary>The follower acknowledged up to <paramref name="match"/>. False when that was known already.</summary>
    public bool Acknowledge(LogIndex match, long now)
    {
        Inflights.FreeThrough(match, now);
        if (match <= Match)
        {
            return false;
        }
        Match = match;
        ForgetSnapshotFailures();
        Next = LogIndex.Max(Next, match.Next);
        AdvancedAt = MovedAt = now;
        return true;
    }

    public void SentThrough(LogIndex last, long bytes, long now)
    {
        if (Inflights.Count == 0)
        {
            AdvancedAt = MovedAt = now;
        }
        Inflights.Add(last, bytes, now);
        Next = last.Next;
        SentAt = now;
    }

    public void BecomeProbe(LogIndex next, long pausedUntil)
    {
        State = ProgressState.Probe;
        Next = LogIndex.Max(next, Match.Next);
        (ProbeSent, IsProbeRepeated) = (false, false);
        PausedUntil = pausedUntil;
        AsksForGap = false;
        ToldCommit = LogIndex.Zero;
        PendingSnapshot = LogIndex.Zero;
        SnapshotDeadline = long.MaxValue;
        Inflights.Clear();
    }

    public void BecomeReplicate(long now)
    {
        State = ProgressState.Replicate;
        Next = Match.Next;
        AdvancedAt = now;
        PendingSnapshot = LogIndex.Zero;
        SnapshotDeadline = long.MaxValue;
        Inflights.Clear();
    }

    public void BecomeSnapshot(LogIndex pending)
    {
        State = ProgressState.Snapshot;
        PendingSnapshot = pending;
        SnapshotDeadline = long.MaxValue;
        AsksForGap = false;
        Inflights.Clear();
    }

    public void SnapshotSent(long deadline) => SnapshotDeadline = deadline;

    public void Offer(SnapshotMark mark, long transfer) => (Offered, Transfer) = (mark, transfer);

    /// <summary>It is level, or cannot be waited for any longer.</summary>
    public void EndCatchUp() => Offered = null;

    /// <summary>What kept it from taking a snapshot may be over.</summary>
    public void ForgetSnapshotFailures() => (SnapshotFailures, NoSnapshotBefore) = (0, long.MinValue);

    public void SnapshotFailed(long notBefore)
    {
        SnapshotFailures++;
        NoSnapshotBefore = notBefore;
    }

    /// <summary>The follower refused <see cref="Next"/> - 1 while probing; the next probe is lower, but never at or below what matches.</summary>
    public void BackOff(LogIndex next)
    {
        Next = LogIndex.Max(LogIndex.Min(next, Next.Previous), Match.Next);
        (ProbeSent, IsProbeRepeated) = (false, false);
    }

    /// <summary>It lives, so the probe, or its answer, was lost or is slow: it is sent again.</summary>
    public void ProbeAgain() => (ProbeSent, IsProbeRepeated) = (false, true);
}
