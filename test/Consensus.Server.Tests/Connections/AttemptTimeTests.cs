using Consensus.Node.Core;
using Consensus.StateMachine;

namespace Consensus.Server.Tests.Connections;

public sealed class AttemptTimeTests
{
    /// <summary>Its body may come late, and then it may wait for a leader: still it must find the answer that another attempt was given meanwhile.</summary>
    [Test]
    public void An_answer_is_kept_for_longer_than_an_attempt_can_be_under_way_in_a_member()
    {
        var options = new NodeCoreOptions
        {
            Cluster = default,
            Self = default,
            Name = "n1",
            Boot = 1,
            ClientUrl = "",
            PeerAddress = "",
            Version = "",
            Raft = new Consensus.Raft.RaftOptions(),
        };
        var underWay = new ServerInfo { Version = "" }.BodyTimeLimit + TimeSpan.FromMicroseconds(options.RequestTimeoutMicros);
        Assert.That(underWay, Is.LessThan(TimeSpan.FromMicroseconds(Limits.Default.BriefKeepMicros)));
    }
}
