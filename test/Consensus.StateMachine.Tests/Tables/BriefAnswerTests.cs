using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.StateMachine.Wire;
using Google.Protobuf;

namespace Consensus.StateMachine.Tests.Tables;

/// <summary>
/// An answer that makes no sense is found when it is read, and not when a retry is to be told it. Asked of the record alone: of a snapshot that was changed the digest says so anyway, and
/// of one that a later version wrote it does not.
/// </summary>
public sealed class BriefAnswerTests
{
    private const int OutOfRange = 99;

    private static byte[] Written(V1.Snapshot.BriefAnswer answer)
    {
        answer.IdempotencyKey = ByteString.CopyFromUtf8("r");
        answer.Sequence = 1;
        return answer.ToByteArray();
    }

    private static readonly V1.Snapshot.BriefAnswer[] Damaged =
    [
        new() { Kind = 0 },
        new() { Kind = 22 },
        new() { Kind = OutOfRange },
        new() { Kind = 4, Lease = ulong.MaxValue },
        new() { Kind = 8, LossToken = 5, LossReason = OutOfRange },
        new() { Kind = 13, Bound = OutOfRange },
        new() { Kind = 13 },
        new() { Kind = 20, Space = OutOfRange },
        new() { Kind = 21, Setting = OutOfRange },
        new() { Kind = 27, Space = OutOfRange },
        new() { Kind = 28 },
        new() { Kind = 28, Bound = OutOfRange },
        new() { Kind = 29, Bound = OutOfRange },
    ];

    private static readonly (V1.Snapshot.BriefAnswer, Outcome)[] Whole =
    [
        (new() { Kind = 1, Revision = 3 }, new RequestWithdrawn(new Revision(3))),
        (new() { Kind = 4, Lease = 7, WasToEnd = true }, new LeaseMissing(default, new LeaseId(7)) { WasToEnd = true }),
        (new() { Kind = 5, Waiters = 2, WaitedMicros = 3 }, new HoldRefused(default, null, 2, 3)),
        (
            new() { Kind = 8, AskedToken = 4, IsRenewal = true },
            new NotHolder(default, null, null) { Asked = new FencingToken(4), IsRenewal = true }),
        (new() { Kind = 32, Waiters = 2 }, new HoldRefused(default, null, 2, 0) { IsUntold = true }),
        (
            new() { Kind = 33, AskedToken = 4 },
            new NotHolder(default, null, null) { Asked = new FencingToken(4), IsUntold = true }),
        (new() { Kind = 34 }, new FenceStale(default, FencingToken.None) { IsUntold = true }),
        (
            new() { Kind = 35, Space = 1 },
            new TokenNotExclusive(default, new ObjectName(HoldSpace.Semaphore, default)) { IsUntold = true }),
        (new() { Kind = 13, Bound = 3, Limit = 9 }, new BoundReached(default, BoundKind.Waiters, 9)),
        (new() { Kind = 21, Setting = (int)Setting.MaxFences }, new SettingOutOfRange(default, Setting.MaxFences)),
        (new() { Kind = 28, Bound = 2 }, new Forbidden(default, DenialReason.NotOwner)),
        (new() { Kind = 29, Bound = 2, Limit = 7, Owner = "svc" }, new PolicyRefused(default, PolicyRefusal.RoleInUse, 7, "svc")),
        (new() { Kind = 30, Limit = 7 }, new PolicyChanged(default, 7, 7)),
        (new() { Kind = 31 }, new ConditionFailed(default, Revision.Zero) { IsUntold = true }),
        (new() { Kind = 25, Permits = 99, Out = 98 }, new PermitsOut(default, 99, 98)),
        (
            new() { Kind = 27, Space = 1, Name = ByteString.CopyFromUtf8("pool") },
            new TokenNotExclusive(default, new ObjectName(HoldSpace.Semaphore, Machine.Key("pool")))),
    ];

    [TestCaseSource(nameof(Damaged))]
    public void One_of_an_unknown_kind_bound_reason_space_or_setting_is_refused(V1.Snapshot.BriefAnswer answer) =>
        Assert.That(() => BriefAnswerCodec.Read(Written(answer)), Throws.TypeOf<WireFormatException>());

    [Test]
    public void One_of_a_known_kind_is_read_and_written_as_the_format_says()
    {
        foreach (var (saved, outcome) in Whole)
        {
            var (identity, answer) = BriefAnswerCodec.Read(Written(saved));
            Assert.That(answer.Outcome, Is.EqualTo(outcome));
            var writer = new WireWriter();
            BriefAnswerCodec.Write(writer, identity, answer);
            Assert.That(V1.Snapshot.BriefAnswer.Parser.ParseFrom(writer.ToArray()), Is.EqualTo(saved));
        }
    }
}
