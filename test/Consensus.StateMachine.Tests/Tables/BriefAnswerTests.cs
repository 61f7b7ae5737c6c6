using Consensus.Primitives.Wire;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Tests.Tables;

/// <summary>
/// An answer that makes no sense is found when it is read, and not when a retry is to be told it. Asked of the record alone: of a snapshot that was changed the digest says so anyway, and
/// of one that a later version wrote it does not.
/// </summary>
public sealed class BriefAnswerTests
{
    private static byte[] Written(int kind, long a = 0, long b = 0, long c = 0)
    {
        var writer = new WireWriter();
        writer.Bytes(2, "r"u8);
        writer.Int64(3, 1);
        writer.Int64(6, kind);
        writer.Int64(10, a);
        writer.Int64(11, b);
        writer.Int64(12, c);
        return writer.ToArray();
    }

    [TestCase(0, 0, 0, 0)]
    [TestCase(22, 0, 0, 0)]
    [TestCase(99, 0, 0, 0)]
    [TestCase((int)BriefKind.BoundReached, 99, 0, 0)]
    [TestCase((int)BriefKind.NotHolder, 0, 5, 99)]
    [TestCase((int)BriefKind.TokenNotExclusive, 99, 0, 0)]
    [TestCase((int)BriefKind.SettingOutOfRange, 99, 0, 0)]
    [TestCase((int)BriefKind.NothingWritten, 2, 0, 0)]
    public void One_of_an_unknown_kind_bound_reason_space_or_setting_is_refused(int kind, long a, long b, long c) =>
        Assert.That(() => BriefAnswer.Read(Written(kind, a, b, c)), Throws.TypeOf<WireFormatException>());

    [TestCase((int)BriefKind.NotHolder, 0, 0, 0)]
    [TestCase((int)BriefKind.SettingOutOfRange, (int)Setting.MaxFences, 0, 0)]
    [TestCase((int)BriefKind.PermitsOut, 99, 99, 0)]
    public void One_of_a_known_kind_is_read(int kind, long a, long b, long c) =>
        Assert.That((int)BriefAnswer.Read(Written(kind, a, b, c)).Answer.Kind, Is.EqualTo(kind));
}
