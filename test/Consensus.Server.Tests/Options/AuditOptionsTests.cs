using Consensus.Server.Audit;
using Consensus.Server.Options;

namespace Consensus.Server.Tests.Options;

internal sealed class AuditOptionsTests
{
    private static ServerOptions Read(string arguments) =>
        ServerOptionsReader.Read(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), _ => null);

    [TestCase("", null)]
    [TestCase("--insecure --listen-client 10.0.0.1:1 --listen-peer 10.0.0.1:2", null)]
    [TestCase("--tls n1.pem", "./data/audit/audit.log")]
    [TestCase("--tls n1.pem --data-dir /srv/n1", "/srv/n1/audit/audit.log")]
    [TestCase("--tls n1.pem --audit none", null)]
    [TestCase("--audit log/audit", "log/audit")]
    [TestCase("--audit log/", "log/audit.log")]
    [TestCase("--audit /tmp", "/tmp/audit.log")]
    public void Who_knows_its_callers_has_one_by_itself_and_the_others_where_they_are_told_to(string arguments, string? file)
    {
        var audit = Read(arguments).Audit;
        Assert.That(audit?.File, Is.EqualTo(file));
        Assert.That(audit?.IsRequired ?? false, Is.False);
        Assert.That(audit?.Levels ?? AuditLevels.Default, Is.EqualTo(AuditLevels.Everywhere(AuditLevel.Admin)));
    }

    [Test]
    public void A_level_is_for_all_spaces_and_then_for_single_ones()
    {
        var audit = Read("--audit a --audit-required --audit-level denied,locks=all,keys=write").Audit!;
        Assert.That(audit.IsRequired, Is.True);
        Assert.That(
            Enum.GetValues<AuditSpace>().Select(audit.Levels.Of),
            Is.EqualTo(new[]
            {
                AuditLevel.Write, AuditLevel.All, AuditLevel.Denied, AuditLevel.Denied, AuditLevel.Denied, AuditLevel.Denied,
                    AuditLevel.Denied,
            }));
        Assert.That(audit.Levels.ToString(), Is.EqualTo("denied,keys=write,locks=all"));
        Assert.That(AuditLevels.Read("locks=write", out _)!.Value.Of(AuditSpace.Keys), Is.EqualTo(AuditLevel.Admin));
    }

    [TestCase("--audit-level all", "--audit-level is given without --audit FILE, which it belongs to")]
    [TestCase("--tls n1.pem --audit none --audit-required", "--audit-required is given without --audit FILE, which it belongs to")]
    [TestCase("--audit a --audit-level writes", "\"writes\", whose level is none of denied, admin, write, all; did you mean write?")]
    [TestCase("--audit a --audit-level lock=write",
        "\"lock=write\", whose space is none of keys, locks, semaphores, elections, fences, leases, cluster; did you mean locks?")]
    [TestCase("--audit a --audit-level locks=", "\"locks=\", whose level is none of")]
    [TestCase("--audit a --audit-level =all", "\"=all\", without a space")]
    [TestCase("--audit a --audit-level all,admin", "\"admin\", and another for the same")]
    [TestCase("--audit a --audit-level locks=all,locks=write", "\"locks=write\", and another for the same")]
    [TestCase("--audit a --audit-level locks=all,admin", "\"admin\", which is that of all spaces, behind that of one: write it first")]
    public void What_makes_no_sense_is_a_sentence(string arguments, string sentence) =>
        Assert.That(() => Read(arguments), Throws.TypeOf<OptionsException>().With.Message.Contains(sentence));
}
