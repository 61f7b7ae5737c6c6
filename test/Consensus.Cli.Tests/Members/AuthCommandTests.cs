using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Cli.Tests.Members;

internal sealed class AuthCommandTests
{
    [Test]
    public async Task A_role_is_set_from_rules_in_one_word_each_and_shown_as_they_are_set()
    {
        var set = await Member.RunAsync(
            "auth", "role", "set", "billing",
            "--allow", "hold,read:locks:billing/", "--allow", "read:keys:=config", "--allow", "read:keys,fences:jobs");
        Assert.That(set.ExitCode, Is.Zero, set.Error);
        Assert.That(set.Error, Does.Contain("the prefix jobs has no / at its end: it covers jobs-other"));
        var rules = (await Member.RowsAsync("auth", "role", "show", "billing")).Select(row => row[2]);
        Assert.That(rules, Is.EqualTo(new[] { "read,hold:locks:billing/", "read:keys:=config", "read:keys,fences:jobs", "(leases)" }));
        var listed = await Member.RowsAsync("auth", "role", "list");
        Assert.That(listed.Single(row => row[0] == "billing")[2], Is.EqualTo(string.Join("; ", rules)));
        Assert.That(listed.Select(row => row[0]), Is.Unique.And.SupersetOf(
            new[] { "admin", "operator", "backup", "reader", "monitor", "billing" }));
        var allowed = Enumerable.Range(0, 6).SelectMany(static i => new[] { "--allow", $"read:keys:{i}/" });
        await Member.RunAsync(["auth", "role", "set", "billing", .. allowed]);
        Assert.That(
            (await Member.RowsAsync("auth", "role", "list")).Single(row => row[0] == "billing")[2],
            Is.EqualTo("read:keys:0/; read:keys:1/; read:keys:2/; read:keys:3/; and 2 more"));
        await Member.RowsAsync("auth", "role", "delete", "billing");
        Assert.That(await Member.RefusedAsync("auth", "role", "show", "billing"), Does.Contain("no role"));
    }

    [TestCase("read")]
    [TestCase("read:keys")]
    [TestCase(":keys:a")]
    [TestCase("read::a")]
    [TestCase("read:keys:=")]
    public async Task A_rule_that_is_none_is_exit_2(string rule)
    {
        var run = await Member.RunAsync("auth", "role", "set", "r", "--allow", rule);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((2, run.Error)));
        Assert.That(run.Error, Does.Contain("VERBS:SPACES:PREFIX"));
    }

    [Test]
    public async Task A_verb_that_there_is_not_is_exit_2_in_the_words_of_the_member()
    {
        var run = await Member.RunAsync("auth", "role", "set", "r", "--allow", "see:keys:a/");
        Assert.That(run.ExitCode, Is.EqualTo(2));
        Assert.That(run.Error, Does.Contain("has \"see\", which is none of read, write, hold, break"));
    }

    [Test]
    public async Task A_principal_is_bound_shown_and_asked_about()
    {
        await Member.RowsAsync("auth", "principal", "set", "svc", "--role", "reader", "--role", "monitor");
        var shown = (await Member.RowsAsync("auth", "principal", "show", "svc")).Single();
        Assert.That(shown[..3], Is.EqualTo(new[] { "svc", "reader,monitor", "-" }));
        Assert.That((await Member.RowsAsync("auth", "check", "svc", "read", "keys", "a"))[0][0], Is.EqualTo("yes"));
        var refused = await Member.RunAsync("auth", "check", "svc", "write", "keys", "a");
        Assert.That(
            (refused.ExitCode, refused.Output.Contains("no rule of its roles covers it", StringComparison.Ordinal)),
            Is.EqualTo((1, true)),
            refused.Error);
        await Member.RowsAsync("auth", "principal", "set", "svc", "--leases", "5", "--holds", "6", "--idempotency-bytes", "7");
        Assert.That(
            (await Member.RowsAsync("auth", "principal", "show", "svc")).Single()[3], Is.EqualTo("leases=5,holds=6,idempotency-bytes=7"));
        var none = await Member.RunAsync("auth", "principal", "set", "svc", "--leases", "0");
        Assert.That(
            (none.ExitCode, none.Error),
            Is.EqualTo((2, "consensusctl: the field \"limits.leases\" is not a whole number from 1 to 1000000000000.\n")));
        await Member.RowsAsync("auth", "principal", "set", "svc", "--disabled");
        Assert.That(
            (await Member.RowsAsync("auth", "principal", "list")).Single(row => row[0] == "svc")[1..3], Is.EqualTo(new[] { "-", "yes" }));
        await Member.RowsAsync("auth", "principal", "delete", "svc");
        await Member.RefusedAsync("auth", "principal", "delete", "svc");
    }

    [Test]
    public async Task A_change_is_made_only_at_the_revision_that_is_given()
    {
        var revision = (await Member.RowsAsync("auth", "role", "set", "once"))[0][1];
        Assert.That(
            await Member.RefusedAsync("auth", "role", "delete", "once", "--if-revision", "1"), Does.Contain("the policy is at revision"));
        await Member.RowsAsync("auth", "role", "delete", "once", "--if-revision", revision);
    }

    [Test]
    public async Task A_certificate_is_revoked_by_its_file_or_its_fingerprint()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=svc", key, HashAlgorithmName.SHA256);
        using var leaf = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90));
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, authority.ExportCertificatePem() + "\n" + leaf.ExportCertificatePem());
            var fingerprint = Convert.ToHexStringLower(SHA256.HashData(leaf.RawData));
            await Member.RowsAsync("auth", "revoke", file, "--note", "laptop lost");
            var revoked = (await Member.RowsAsync("auth", "revocations")).Single(row => row[0] == fingerprint);
            Assert.That(revoked[1], Is.EqualTo("laptop lost"));
            await Member.RowsAsync("auth", "unrevoke", fingerprint);
            await Member.RefusedAsync("auth", "unrevoke", file);
            await File.WriteAllTextAsync(file, authority.ExportCertificatePem());
            var none = await Member.RunAsync("auth", "revoke", file);
            Assert.That(
                (none.ExitCode, none.Error.Contains("has 0 certificates that are no CA's", StringComparison.Ordinal)),
                Is.EqualTo((2, true)),
                none.Error);
            var odd = await Member.RunAsync("auth", "revoke", "12ab");
            Assert.That(
                (odd.ExitCode, odd.Error.Contains("neither a file nor", StringComparison.Ordinal)), Is.EqualTo((2, true)), odd.Error);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public async Task Who_asks_of_a_member_that_knows_nobody_is_anonymous_and_enables_nothing()
    {
        Assert.That((await Member.RowsAsync("auth", "whoami"))[0][..1], Is.EqualTo(new[] { "anonymous" }));
        Assert.That((await Member.JsonAsync("auth", "whoami"))["enabled"]!.GetValue<bool>(), Is.False);
        Assert.That(await Member.RefusedAsync("auth", "enable", "--yes"), Does.Contain("start the members with --tls first"));
    }
}
