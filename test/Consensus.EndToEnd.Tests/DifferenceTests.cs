using System.Text.Json;
using Consensus.EndToEnd.Tests.Processes;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Tables;

namespace Consensus.EndToEnd.Tests;

/// <summary>A member whose snapshot was falsified, with every checksum right, beside two that are whole.</summary>
[NonParallelizable]
public sealed class DifferenceTests
{
    private static string EndpointsOf(ProcessCluster cluster) =>
        string.Join(',', Enumerable.Range(0, cluster.Size).Select(member => $"127.0.0.1:{cluster.ClientPortOf(member)}"));

    [Test]
    public async Task The_records_that_a_members_snapshot_lacks_or_has_otherwise_are_named_and_no_others()
    {
        await using var cluster = await ProcessCluster.StartAsync(3);
        await cluster.UntilWrittenAsync(0, "/v1/kv/first");
        Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/a/b", "what was written", identity: "kept-1")).IsOk);
        Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/a/c", "whole", identity: "kept-2")).IsOk);
        var lease = (await cluster.TryAsync(HttpMethod.Post, 0, "/v1/leases", """{"ttl":"600s"}""")).Json.GetProperty("id").GetString()!;
        Assert.That((await cluster.TryAsync(HttpMethod.Post, 0, "/v1/locks/held", """{"owner":"me","ttl":"600s"}""")).IsOk);
        Assert.That((await cluster.TryAsync(HttpMethod.Post, 0, "/v1/locks/whole", """{"owner":"me","ttl":"600s"}""")).IsOk);
        Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/fences/disk", """{"fencingToken":2}""")).IsOk);
        await UntilInSnapshotAsync(cluster, 2);
        Assert.That(await Consensusctl.DoneAsync(EndpointsOf(cluster), "check", "consistency"), Does.Contain("All 3 members are in the same state"));

        await cluster.StopAsync(2);
        FalsifiedSnapshot.Write(cluster.DataOf(2), tables => Falsify(tables, lease));
        cluster.Start(2);
        await cluster.UntilReadyAsync();

        var (code, output, error) = await Consensusctl.RunAsync(EndpointsOf(cluster), "check", "consistency", "-o", "json");
        Assert.That(code, Is.EqualTo(1), error + output);
        var named = JsonDocument.Parse(output).RootElement.GetProperty("differences").EnumerateArray().ToDictionary(
            table => table.GetProperty("table").GetString()!,
            table =>
            {
                Assert.That(table.GetProperty("left").EnumerateArray().Select(name => name.GetString()), Is.EqualTo(new[] { "n1", "n2" }));
                Assert.That(table.GetProperty("right").EnumerateArray().Select(name => name.GetString()), Is.EqualTo(new[] { "n3" }));
                Assert.That((table.GetProperty("more").GetInt64(), table.GetProperty("exact").GetBoolean()), Is.EqualTo((0, true)));
                return string.Join(", ", table.GetProperty("items").EnumerateArray().Select(item =>
                    item.GetProperty("name").GetString() + (item.GetProperty("right").ValueKind == JsonValueKind.Null ? " is missing" : " is another")));
            });
        Assert.That(named, Is.EquivalentTo(new Dictionary<string, string>
        {
            ["keys"] = "key \"a/b\" is another",
            ["leases"] = $"lease {lease} is missing",
            ["objects"] = "lock \"held\" is missing",
            ["kept"] = "kept answer of request \"kept-1\" is missing",
            ["fences"] = "fence \"disk\" is missing",
        }));
        var (again, text, _) = await Consensusctl.RunAsync(EndpointsOf(cluster), "check", "consistency");
        Assert.That(again, Is.EqualTo(1));
        Assert.That(text, Does.Contain("n3 is in another state than the majority"));
        Assert.That(text, Does.Contain("lock \"held\": n1 and n2 have holder \"me\" with token ").And.Contain("; n3 has none"));
        Assert.That(text, Does.Not.Contain("what was written"));
    }

    /// <summary>Writes until the member's snapshot has all that was written before.</summary>
    private static async Task UntilInSnapshotAsync(ProcessCluster cluster, int member)
    {
        var index = (await cluster.TryAsync(HttpMethod.Get, 0, "/v1/status")).Number("appliedIndex");
        var written = 0;
        await ProcessCluster.EventuallyAsync(
            async () =>
            {
                for (var i = 0; i < 100; i++)
                {
                    await cluster.TryAsync(HttpMethod.Put, 0, $"/v1/kv/more/{written++ % 300}", "1");
                }
                return (await cluster.TryAsync(HttpMethod.Get, member, "/v1/status")).Number("snapshotIndex") >= index;
            },
            "there is a snapshot of it");
    }

    private static void Falsify(StateTables tables, string lease)
    {
        var key = Key.FromText("a/b");
        Assert.That(tables.Keys.TryGet(key, out var record));
        tables.Keys.Change(new KeyChange(record.ModRevision, key, record, record with { Value = "what was never written"u8.ToArray() }));

        Assert.That(LeaseId.TryParse(lease, out var id));
        Assert.That(tables.Leases.TryGet(id, out var granted));
        tables.Leases.Remove(granted);

        var name = ObjectName.Lock(Key.FromText("held"));
        var held = tables.Objects[name];
        tables.Leases.Attach(held.Sole!.Lease, holds: -1);
        tables.Holds.Remove(name, held.Sole);
        tables.Objects.Store(name, held, held.Without(held.Sole, held.Released, held.Losses));

        var identity = tables.Answers.Kept.Identities.Single(identity => identity.IdempotencyKey == Key.FromText("kept-1"));
        Assert.That(tables.Answers.Kept.TryGet(identity, out var kept));
        tables.Answers.Kept.Remove(identity, kept);

        Assert.That(tables.Fences.Remove(Key.FromText("disk")));
    }
}
