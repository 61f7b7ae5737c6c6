using Consensus.Peers.Serving;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Wire;

namespace Consensus.Peers.Tests;

public sealed class LoggedCommandTests
{
    private static readonly RequestId Request = new(new MemberId(7), 8, 9);
    private static readonly PutCommand Put = new(new Key("a"u8), "value"u8.ToArray(), LeaseId.None, KeyCondition.None);

    private static LoggedEntry Read(long stamp, long last)
    {
        var bytes = LoggedCommand.Write(Request, new CommandEnvelope(Put) { Principal = "ada" });
        LoggedCommand.SetStamp(bytes, new ClusterTime(stamp));
        return LoggedCommand.Read(new LogIndex(3), bytes, new ClusterTime(last));
    }

    [Test]
    public void What_was_written_is_read_with_the_leaders_stamp()
    {
        var entry = Read(stamp: 50, last: 40);
        Assert.Multiple(() =>
        {
            Assert.That(entry, Is.EqualTo(new LoggedEntry(new LogIndex(3), new ClusterTime(50), true, Request, "ada", entry.Payload)));
            var command = CommandCodec.Read(entry.Payload).Command;
            Assert.That(command, Is.TypeOf<PutCommand>().With.Property(nameof(PutCommand.Key)).EqualTo(Put.Key));
        });
    }

    [Test]
    public void A_stamp_that_would_fall_is_lifted_to_the_last_one() =>
        Assert.That(Read(stamp: 30, last: 40).Stamp, Is.EqualTo(new ClusterTime(40)));
}
