using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Api.Settings;
using Consensus.Server.Cluster;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Settings;

internal sealed class SettingTests : ContractTest
{
    private const long GiB = 1L << 30;

    private Task<SettingAnswer> GetAsync(string name) => AnswerAsync(ApiJson.Default.SettingAnswer, HttpStatusCode.OK, "GET", $"/v1/settings/{name}");

    private Task<SettingAnswer> PutAsync(string name, long value, params (string Name, string Value)[] headers) =>
        AnswerAsync(ApiJson.Default.SettingAnswer, HttpStatusCode.OK, "PUT", $"/v1/settings/{name}", $$"""{"value":{{value}}}""", headers);

    [Test]
    public async Task All_settings_are_listed_with_their_ranges_and_each_is_shown_by_its_name()
    {
        var list = await AnswerAsync(ApiJson.Default.SettingListAnswer, HttpStatusCode.OK, "GET", "/v1/settings");
        Assert.That(list.Items.Select(item => item.Name), Is.EqualTo(SettingDefinition.All.Select(definition => definition.Name)));
        foreach (var item in list.Items)
        {
            Assert.That(item.Value, Is.EqualTo(item.Default).And.InRange(item.Least, item.Most));
            Assert.That(await GetAsync(item.Name), Is.EqualTo(item));
        }
        Assert.That(list.Items[0], Is.EqualTo(new SettingAnswer("quota-bytes", 4 * GiB, "bytes", 4 * GiB, GiB / 4, 1024 * GiB)));
    }

    [Test]
    public async Task A_setting_is_changed_and_reset_and_the_status_and_the_metrics_show_it()
    {
        Assert.That((await PutAsync("quota-bytes", 8 * GiB)).Value, Is.EqualTo(8 * GiB));
        Assert.That((await GetAsync("quota-bytes")).Value, Is.EqualTo(8 * GiB));
        var status = await AnswerAsync(ApiJson.Default.StatusAnswer, HttpStatusCode.OK, "GET", "/v1/status");
        Assert.That(status.QuotaBytes, Is.EqualTo(8 * GiB));
        using var metrics = await SendAsync("GET", "/metrics");
        Assert.That(await metrics.Content.ReadAsStringAsync(), Does.Contain($"\nconsensus_quota_bytes {8 * GiB}\n"));
        var reset = await AnswerAsync(ApiJson.Default.SettingAnswer, HttpStatusCode.OK, "DELETE", "/v1/settings/quota-bytes");
        Assert.That((reset.Value, (await GetAsync("quota-bytes")).Value), Is.EqualTo((4 * GiB, 4 * GiB)));
    }

    [TestCase("quota-bytes", "1", "quota-bytes is from 256MiB to 1TiB")]
    [TestCase("history-ms", "299999", "history-ms is from 5m to 7d")]
    [TestCase("max-leases", "20000001", "max-leases is from 1000 to 20000000; nothing was done")]
    public async Task A_value_outside_the_range_is_told_the_range_and_changes_nothing(string name, string value, string sentence)
    {
        var problem = await ProblemAsync(ProblemTypes.BadRequest, "PUT", $"/v1/settings/{name}", $$"""{"value":{{value}}}""");
        Assert.That(problem.Detail, Does.Contain(sentence));
        var shown = await GetAsync(name);
        Assert.That(shown.Value, Is.EqualTo(shown.Default));
    }

    [TestCase("""{"value":"8GiB"}""")]
    [TestCase("""{"value":-1}""")]
    [TestCase("""{"value":1.5}""")]
    [TestCase("""{"value":5,"value":5}""")]
    [TestCase("""{"value":5,"unit":"bytes"}""")]
    [TestCase("{}")]
    [TestCase("8")]
    [TestCase("")]
    public Task A_body_that_is_no_value_is_refused_before_anything_is_asked(string body) =>
        RefusedAsync(ProblemTypes.BadRequest, "PUT", "/v1/settings/quota-bytes", body);

    [TestCase("quota")]
    [TestCase("QUOTA-BYTES")]
    [TestCase("quota-bytes%20")]
    public async Task A_setting_that_there_is_not_is_not_found(string name)
    {
        await RefusedAsync(ProblemTypes.NotFound, "GET", $"/v1/settings/{name}");
        await RefusedAsync(ProblemTypes.NotFound, "PUT", $"/v1/settings/{name}", """{"value":5}""");
        await RefusedAsync(ProblemTypes.NotFound, "DELETE", $"/v1/settings/{name}");
    }

    [Test]
    public async Task A_retry_does_not_change_what_was_set_after_it()
    {
        (string, string) key = (ApiHeaders.IdempotencyKey, "once");
        var first = await PutAsync("max-fences", 5_000, key);
        await PutAsync("max-fences", 6_000);
        Assert.That(await PutAsync("max-fences", 5_000, key), Is.EqualTo(first));
        Assert.That((await GetAsync("max-fences")).Value, Is.EqualTo(6_000));
    }

    [Test]
    public async Task A_full_store_takes_writes_again_once_its_quota_is_raised()
    {
        var full = new InProcessNode(new Limits { MaxStateBytes = 2_000 });
        await full.ExecuteAsync(new(new PutCommand(Key.FromText("k"), new byte[1_500], default, default)), default);
        Assert.That(full.Status.Counts.QuotaBytes, Is.EqualTo(2_000));
        Assert.That(new MemberAlarms(() => null).Of(full.Status with { Counts = full.Status.Counts with { StateBytes = 1_900 } }), Has.Some.Contains("the state takes 95 %"));
        await full.ExecuteAsync(new(new PutSettingCommand(Setting.QuotaBytes, GiB)), default);
        Assert.That(new MemberAlarms(() => null).Of(full.Status with { Counts = full.Status.Counts with { StateBytes = 1_900 } }), Has.None.Contains("the state takes"));
    }
}
