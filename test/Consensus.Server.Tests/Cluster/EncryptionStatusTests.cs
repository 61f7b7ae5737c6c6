using System.Net;
using Consensus.Api;
using Consensus.Server.Tests.Support;
using Consensus.Storage.Encryption;

namespace Consensus.Server.Tests.Cluster;

/// <summary>What a member tells of its data at rest.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
internal sealed class EncryptionStatusTests : ContractTest
{
    private KeyRing? _keys;

    protected override ServerInfo Info => base.Info with { Keys = _keys ??= Load() };

    [Test]
    public async Task Status_and_metrics_of_a_member_with_keys_name_those_in_use_and_count_what_is_plain()
    {
        var status = await AnswerAsync(ApiJson.Default.StatusAnswer, HttpStatusCode.OK, "GET", "/v1/status");
        Assert.That(status.EncryptionKeys, Is.Empty);
        Assert.That((status.PlainSegments, status.PlainSnapshots), Is.EqualTo((0L, 0L)));
        using var metrics = await SendAsync("GET", "/metrics");
        Assert.That(await metrics.Content.ReadAsStringAsync(), Does.Contain("\nconsensus_plain_files 0\n")
            .And.Contain("# TYPE consensus_encryption_key_in_use gauge"));
    }

    private static KeyRing Load()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, $"k1 {Convert.ToBase64String(new byte[32])}");
        File.SetUnixFileMode(file, UnixFileMode.UserRead);
        var keys = KeyRing.Load(file, "--encryption-key keys");
        File.Delete(file);
        return keys;
    }
}
