using Consensus.Node.Core;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Tests.Core;

/// <summary>What a leader calls healthy.</summary>
public sealed class MemberWatchTests
{
    private const long Second = 1_000_000;
    private static readonly MemberId Follower = new(2);
    private static readonly Term First = new(1);

    private MemberWatch _watch = null!;

    [SetUp]
    public void Begin() => _watch = new MemberWatch(Second);

    [Test]
    public void One_that_keeps_reaching_what_was_committed_before_is_healthy_though_it_is_never_level()
    {
        for (var i = 1; i <= 100; i++)
        {
            Look(match: (i * 100) - 50, commit: i * 100, now: i * Second / 5);
        }
        Assert.That(Judge(match: 9_950, heard: 20 * Second, now: 20 * Second), Is.EqualTo(MemberHealth.Healthy));
    }

    [Test]
    public void One_that_answers_while_its_log_stands_still_behind_what_is_committed_is_not_acknowledging()
    {
        Look(match: 10, commit: 10, now: 0);
        for (var i = 1; i <= 15; i++)
        {
            Look(match: 10, commit: 10 + i, now: i * Second / 5);
        }
        Assert.That(Judge(match: 10, heard: 3 * Second, now: 3 * Second), Is.EqualTo(MemberHealth.NotAcknowledging));
    }

    [Test]
    public void One_whose_log_moves_and_does_not_arrive_is_behind()
    {
        for (var i = 0; i <= 15; i++)
        {
            Look(match: i, commit: 1_000, now: i * Second / 5);
        }
        Assert.That(Judge(match: 15, heard: 3 * Second, now: 3 * Second), Is.EqualTo(MemberHealth.Behind));
        for (var i = 16; i <= 30; i++)
        {
            Look(match: 15, commit: 1_000, now: i * Second / 5);
        }
        Assert.That(Judge(match: 15, heard: 6 * Second, now: 6 * Second), Is.EqualTo(MemberHealth.NotAcknowledging));
        Assert.That(Judge(match: 15, heard: 6 * Second, now: 6 * Second, ProgressState.Snapshot), Is.EqualTo(MemberHealth.Behind), "a snapshot moves no index on its way");
    }

    [Test]
    public void One_that_has_not_answered_for_an_election_time_out_is_silent()
    {
        Look(match: 10, commit: 10, now: 0);
        Assert.That(Judge(match: 10, heard: 0, now: Second), Is.EqualTo(MemberHealth.Healthy));
        Look(match: 10, commit: 10, now: 2 * Second);
        Assert.That(Judge(match: 10, heard: 0, now: 2 * Second), Is.EqualTo(MemberHealth.Silent));
    }

    [Test]
    public void Of_one_that_a_new_leader_has_not_heard_yet_nothing_is_known_and_soon_it_is_silent()
    {
        Look(match: 0, commit: 10, now: 0);
        Assert.That(Judge(match: 0, heard: null, now: Second), Is.EqualTo(MemberHealth.Unknown));
        Assert.That(Judge(match: 0, heard: null, now: 2 * Second), Is.EqualTo(MemberHealth.Silent));
        _watch.Look(new Term(2), new LogIndex(10), [StatusOf(0, null)], 2 * Second);
        Assert.That(Judge(match: 0, heard: null, now: 2 * Second), Is.EqualTo(MemberHealth.Unknown), "another term, another leadership");
    }

    private void Look(long match, long commit, long now) => _watch.Look(First, new LogIndex(commit), [StatusOf(match, now)], now);

    private MemberHealth Judge(long match, long? heard, long now, ProgressState state = ProgressState.Replicate) =>
        _watch.JudgeFollower(StatusOf(match, heard, state), now);

    private static ProgressStatus StatusOf(long match, long? heard, ProgressState state = ProgressState.Replicate) =>
        new(Follower, new LogIndex(match), new LogIndex(match + 1), state, true) { HeardMicros = heard };
}
