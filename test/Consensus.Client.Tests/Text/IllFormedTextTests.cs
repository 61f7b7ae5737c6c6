using System.Runtime.CompilerServices;
using Consensus.Api.Json;
using Consensus.Api.Transactions;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Testing;

namespace Consensus.Client.Tests.Text;

/// <summary>Text that UTF-8 cannot carry is refused by name, wherever it becomes UTF-8, before anything is sent.</summary>
internal sealed class IllFormedTextTests
{
    private static readonly string[] IllFormed = ["\ud800", "a\udc00", "\ud83d\ud83d\ude00", "\ude00\ud83d"];

    private static readonly ClientCall[] ClientCalls =
    [
        new("key", (client, text) => client.GetAsync(text)),
        new("prefix", (client, text) => client.ListAsync(text)),
        new("key", (client, text) => client.PutAsync(text, "v"u8.ToArray())),
        new("lease", (client, text) => client.PutAsync("k", "v"u8.ToArray(), text)),
        new("key", (client, text) => client.CompareAndSetAsync(text, "v"u8.ToArray(), 0)),
        new("lease", (client, text) => client.CompareAndSetAsync("k", "v"u8.ToArray(), 0, text)),
        new("key", (client, text) => client.DeleteAsync(text)),
        new("key", (client, text) => client.CompareAndDeleteAsync(text, 1)),
        new("prefix", (client, text) => client.DeletePrefixAsync(text)),
        new("key", (client, text) => client.WatchAsync(text).GetAsyncEnumerator().MoveNextAsync().AsTask()),
        new("prefix", (client, text) => client.WatchPrefixAsync(text).GetAsyncEnumerator().MoveNextAsync().AsTask()),
        new("resource", (client, text) => client.PassFenceAsync(text, 1)),
        new("name", (client, text) => client.GetLockAsync(text)),
        new("name", (client, text) => client.AcquireLockAsync(text)),
        new("name", (client, text) => client.TryAcquireLockAsync(text)),
        new("options.Owner", (client, text) => client.AcquireLockAsync("a", new LockOptions { Owner = text })),
        new("options.Metadata", (client, text) => client.AcquireLockAsync("a", new LockOptions { Metadata = $$"""{"a":"{{text}}"}""" })),
        new("names", (client, text) => client.AcquireLocksAsync(["a", text])),
        new("options.Owner", (client, text) => client.TryAcquireLocksAsync(["a", "b"], new MultiLockOptions { Owner = text })),
        new("name", (client, text) => client.GetSemaphoreAsync(text)),
        new("name", (client, text) => client.AcquireSemaphoreAsync(text, 1)),
        new("options.Owner", (client, text) => client.TryAcquireSemaphoreAsync("a", 1, new SemaphoreOptions { Owner = text })),
        new("name", (client, text) => client.ObserveLockAsync(text).GetAsyncEnumerator().MoveNextAsync().AsTask()),
        new("name", (client, text) => client.ObserveSemaphoreAsync(text).GetAsyncEnumerator().MoveNextAsync().AsTask()),
        new("election", (client, text) => client.CampaignAsync(text)),
        new("election", (client, text) => client.GetLeaderAsync(text)),
        new("election", (client, text) => client.ObserveLeaderAsync(text).GetAsyncEnumerator().MoveNextAsync().AsTask()),
        new("options.Value", (client, text) => client.TryCampaignAsync("a", new CampaignOptions { Value = text })),
        new("options.Owner", (client, text) => client.TryCampaignAsync("a", new CampaignOptions { Owner = text })),
        new("transaction", (client, text) => client.TransactAsync(new TxnRequest { Compare = [new TxnCompareRequest { Key = text, Target = "version", Operand = new RawJson("0") }] })),
        new("transaction", (client, text) => client.TransactAsync(new TxnRequest { Compare = [new TxnCompareRequest { Lock = text, FencingToken = 1 }] })),
        new("transaction", (client, text) => client.TransactAsync(new TxnRequest { Success = [new TxnOperationRequest { Put = new TxnPutRequest { Key = "k", Value = text } }] })),
        new("transaction", (client, text) => client.TransactAsync(new TxnRequest { Failure = [new TxnOperationRequest { Delete = new TxnDeleteRequest { Prefix = text } }] })),
    ];

    private static readonly ApiCall[] ApiCalls =
    [
        new("key", (api, text) => api.GetKeyAsync(text, default)),
        new("key", (api, text) => api.PutKeyAsync("x/../" + text, default, null, default)),
        new("lease", (api, text) => api.PutKeyAsync("k", default, new KeyPutOptions { Lease = text }, default)),
        new("prefix", (api, text) => api.DeleteKeysAsync(text, default)),
        new("Prefix", (api, text) => api.ListKeysAsync(new KeyListQuery { Prefix = text }, default)),
        new("Cursor", (api, text) => api.ListKeysAsync(new KeyListQuery { Cursor = text }, default)),
        new("Prefix", (api, text) => api.ListLocksAsync(new ListQuery { Prefix = text }, default)),
        new("Cursor", (api, text) => api.ListLeasesAsync(new ListQuery { Cursor = text }, default)),
        new("lease", (api, text) => api.RevokeLeaseAsync(text, default)),
        new("lease", (api, text) => api.WatchLeaseAsync(text).GetAsyncEnumerator().MoveNextAsync().AsTask()),
        new("name", (api, text) => api.WatchLockAsync(text).GetAsyncEnumerator().MoveNextAsync().AsTask()),
        new("leases", (api, text) => api.KeepLeasesAliveAsync(["1f", text], default)),
        new("name", (api, text) => api.AcquireLockAsync(new LockWish(text, "me"), default)),
        new("wish", (api, text) => api.AcquireLockAsync(new LockWish("a", text), default)),
        new("wish", (api, text) => api.AcquireLockAsync(new LockWish("a", "me") { Lease = text }, default)),
        new("wish", (api, text) => api.AcquireLockAsync(new LockWish("a", "me") { Metadata = $$"""{"a":"{{text}}"}""" }, default)),
        new("idempotencyKey", (api, text) => api.AcquireLockAsync(new LockWish("a", "me") { IdempotencyKey = text }, default)),
        new("wish", (api, text) => api.AcquireLocksAsync(new MultiLockWish([text], "me"), default)),
        new("wish", (api, text) => api.AcquireSemaphoreAsync(new SemaphoreWish("a", text, 1), default)),
        new("wish", (api, text) => api.CampaignAsync(new CampaignWish("a", "me") { Value = text }, default)),
        new("value", (api, text) => api.ProclaimAsync("a", 1, text, default)),
        new("to", (api, text) => api.HandOverLockAsync("a", 1, text, default)),
        new("to", (api, text) => api.HandOverSemaphoreAsync("a", 1, text, default)),
        new("name", (api, text) => api.AddMemberAsync(text, false, default)),
        new("member", (api, text) => api.RemoveMemberAsync(text, default)),
        new("replaces", (api, text) => api.PromoteMemberAsync("n1", text, default)),
        new("to", (api, text) => api.TransferLeadershipAsync(text, default)),
        new("transaction", (api, text) => api.TxnAsync(new TxnRequest { Success = [new TxnOperationRequest { Get = new TxnGetRequest { Key = text } }] }, default)),
        new("transaction", (api, text) =>
            api.TxnAsync(new TxnRequest { Compare = [new TxnCompareRequest { Key = "k", Target = "value", Operand = new RawJson($"\"{text}\"") }] }, default)),
        new("idempotencyKey", (api, text) => api.WithdrawAsync(text, default)),
    ];

    [TestCaseSource(nameof(ClientCalls))]
    public void The_client_refuses_it_by_name(ClientCall call)
    {
        using var server = new FakeServer(_ => FakeAnswer.Abort);
        using var cluster = new InMemoryCluster();
        using var fake = cluster.CreateClient();
        // Without a session, which it would open for itself.
        using var real = new ConsensusClient(new ConsensusClientOptions { Endpoints = [server.Endpoint], SessionTtl = null });
        foreach (var text in IllFormed)
        {
            Assert.That(RefusalOf(() => call.Make(fake, text)), Is.EqualTo(call.Parameter), "by the fake");
            Assert.That(RefusalOf(() => call.Make(real, text)), Is.EqualTo(call.Parameter));
        }
        Assert.That(server.Requests, Is.Empty);
        Assert.That(cluster.Revision, Is.EqualTo(new InMemoryCluster().Revision), "nothing was done");
    }

    [TestCaseSource(nameof(ApiCalls))]
    public void The_api_client_refuses_it_by_name(ApiCall call)
    {
        using var server = new FakeServer(_ => FakeAnswer.Abort);
        using var api = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [server.Endpoint] });
        foreach (var text in IllFormed)
        {
            Assert.That(RefusalOf(() => call.Make(api, text)), Is.EqualTo(call.Parameter));
        }
        Assert.That(server.Requests, Is.Empty);
    }

    [Test]
    public async Task A_handle_refuses_it_by_name()
    {
        using var cluster = new InMemoryCluster();
        using var client = cluster.CreateClient();
        await using var handle = await client.AcquireLockAsync("a");
        await using var leadership = await client.CampaignAsync("e");

        Assert.That(RefusalOf(() => handle.HandOverAsync("\ud800")), Is.EqualTo("to"));
        Assert.That(RefusalOf(() => leadership.HandOverAsync("\ud800")), Is.EqualTo("to"));
        Assert.That(RefusalOf(() => leadership.ProclaimAsync("\ud800")), Is.EqualTo("value"));
    }

    [Test]
    public void A_client_of_an_ill_formed_name_is_not_made() => Assert.That(
        RefusalOf(() => Task.FromResult(new ConsensusClient(new ConsensusClientOptions { ClientName = "\ud800" }))), Is.EqualTo("options.ClientName"));

    [Test]
    public async Task Whole_pairs_are_sent_as_they_are()
    {
        using var server = new FakeServer(_ => FakeAnswer.Problem(409, "lock-held", "held"));
        using var api = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [server.Endpoint] });

        await api.AcquireLockAsync(new LockWish("\ud83d\ude00", "a\ud83d\ude00\ud83d\ude00b"), default).InTimeAsync();

        var request = server.Requests.Single();
        Assert.That(request.Target, Is.EqualTo("/v1/locks/%F0%9F%98%80"));
        using var body = System.Text.Json.JsonDocument.Parse(request.Body);
        Assert.That(body.RootElement.GetProperty("owner").GetString(), Is.EqualTo("a\ud83d\ude00\ud83d\ude00b"));
    }

    /// <summary>The parameter that is refused; null when none is.</summary>
    private static string? RefusalOf(Func<Task> call)
    {
        try
        {
            call().InTimeAsync().GetAwaiter().GetResult();
            return null;
        }
        catch (ConsensusException)
        {
            return null;
        }
        catch (ArgumentException error) when (error.GetType() == typeof(ArgumentException))
        {
            return error.ParamName;
        }
    }

    internal sealed record ClientCall(
        string Parameter, Func<IConsensusClient, string, Task> Make, [CallerArgumentExpression(nameof(Make))] string Text = "")
    {
        public override string ToString() => Text[(Text.IndexOf("=>", StringComparison.Ordinal) + 2)..].Trim();
    }

    internal sealed record ApiCall(
        string Parameter, Func<ConsensusApiClient, string, Task> Make, [CallerArgumentExpression(nameof(Make))] string Text = "")
    {
        public override string ToString() => Text[(Text.IndexOf("=>", StringComparison.Ordinal) + 2)..].Trim();
    }
}
