using Consensus.Primitives;
using Consensus.Raft.Quorum;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Quorum;

public sealed class QuorumTests
{
    [TestCase(new long[] { 5 }, 5)]
    [TestCase(new long[] { 5, 9 }, 5)]
    [TestCase(new long[] { 5, 9, 7 }, 7)]
    [TestCase(new long[] { 0, 0, 7 }, 0)]
    [TestCase(new long[] { 4, 3, 2, 1 }, 2)]
    [TestCase(new long[] { 1, 5, 2, 4, 3 }, 3)]
    [TestCase(new long[] { 1, 1, 1, 9, 9, 9, 9 }, 9)]
    public void Majority_reached_what_more_than_half_reached(long[] values, long expected) =>
        Assert.That(JointQuorum.Reached(Make.Voters(values.Length), new Values(values)), Is.EqualTo(expected));

    [Test]
    public void Majority_is_right_for_every_size_up_to_twenty([Range(1, 20)] int size)
    {
        var random = new DeterministicRandom((ulong)size);
        for (var round = 0; round < 50; round++)
        {
            long[] values = [.. Enumerable.Range(0, size).Select(_ => random.Next(10))];
            var reached = JointQuorum.Reached(Make.Voters(size), new Values(values));
            Assert.That(values.Count(v => v >= reached), Is.GreaterThan(size / 2));
            Assert.That(values.Count(v => v > reached), Is.LessThanOrEqualTo(size / 2));
        }
    }

    [Test]
    public void Joint_quorum_reached_what_both_halves_reached()
    {
        var joint = Make.Configured([1, 2, 3], outgoing: [3, 4, 5]);
        Assert.That(JointQuorum.Reached(joint, new Values([9, 9, 9, 1, 2])), Is.EqualTo(2));
        Assert.That(JointQuorum.Reached(joint, new Values([1, 2, 9, 9, 9])), Is.EqualTo(2));
    }

    [TestCase("yyn", ExpectedResult = "Won")]
    [TestCase("ynn", ExpectedResult = "Lost")]
    [TestCase("yn-", ExpectedResult = "Pending")]
    [TestCase("y--", ExpectedResult = "Pending")]
    [TestCase("yy--", ExpectedResult = "Pending")]
    [TestCase("yynn", ExpectedResult = "Lost")]
    [TestCase("yyyn-", ExpectedResult = "Won")]
    [TestCase("nnn--", ExpectedResult = "Lost")]
    [TestCase("y", ExpectedResult = "Won")]
    public string Votes_are_counted_by_majority(string answers) => Result(Make.Voters(answers.Length), answers).ToString();

    [TestCase("yy-yy", ExpectedResult = "Won")]
    [TestCase("yy-y-", ExpectedResult = "Pending")]
    [TestCase("yy-nn", ExpectedResult = "Lost")]
    [TestCase("--yyy", ExpectedResult = "Pending")]
    [TestCase("-yyy-", ExpectedResult = "Won")]
    public string Votes_of_both_halves_are_needed_in_a_joint_configuration(string answers) =>
        Result(Make.Configured([1, 2, 3], outgoing: [3, 4, 5]), answers).ToString();

    [Test]
    public void First_answer_of_a_member_counts()
    {
        var tally = new VoteTally();
        tally.Record(Make.Id(1), true);
        tally.Record(Make.Id(2), false);
        tally.Record(Make.Id(2), true);
        Assert.That(tally.Result(Make.Voters(3)), Is.EqualTo(VoteResult.Pending));
        tally.Record(Make.Id(9), true);
        Assert.That(tally.Result(Make.Voters(3)), Is.EqualTo(VoteResult.Pending), "a stranger's answer counts for nothing");
    }

    private static VoteResult Result(Configuration configuration, string answers)
    {
        var tally = new VoteTally();
        for (var i = 0; i < answers.Length; i++)
        {
            if (answers[i] != '-')
            {
                tally.Record(Make.Id(i + 1), answers[i] == 'y');
            }
        }
        return tally.Result(configuration);
    }

    private readonly struct Values(long[] values) : IReached
    {
        public long Of(MemberId voter) => values[voter.Value - 1];
    }
}
