using System.Text;
using Consensus.Api.Transactions;
using Consensus.Client.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Consensus.Client.Tests.Docs;

/// <summary>The examples of docs/client.md and of the package's README, as they stand there: <see cref="DocumentTests"/> holds the pages against this file.</summary>
internal sealed class ClientExamples
{
    [Test]
    public async Task Examples_run_as_they_stand()
    {
        using var cluster = new InMemoryCluster();
        using var client = cluster.CreateClient();
        await LockAsync(client);
        await TryLockAsync(client);
        await ElectionAsync(client);
        await OthersAsync(client);
        await KeysAsync(client);
        await TransactAsync(client);
        await WatchAsync(client, 3);
        await FenceAsync(client);
        await LeaseAsync(client);
        await TestAsync();
    }

    private static async Task LockAsync(IConsensusClient client)
    {
        await using var handle = await client.AcquireLockAsync("nightly-report", timeout: TimeSpan.FromSeconds(30));
        await WriteReportAsync(handle.FencingToken, handle.HandleLost);
    }

    private static async Task TryLockAsync(IConsensusClient client)
    {
        var options = new LockOptions { Ttl = TimeSpan.FromSeconds(10), SafetyMargin = TimeSpan.FromSeconds(2), Owner = "worker-7" };
        await using var handle = await client.TryAcquireLockAsync("invoices/2026", options);
        if (handle is null)
        {
            return; // Somebody else has it.
        }
        foreach (var invoice in new[] { "a", "b" })
        {
            handle.ThrowIfLost();
            await WriteReportAsync(handle.FencingToken, handle.HandleLost);
        }
    }

    private static async Task ElectionAsync(IConsensusClient client)
    {
        await using (var leadership = await client.CampaignAsync("scheduler", new CampaignOptions { Value = "http://10.0.0.7:8080" }))
        {
            await leadership.ProclaimAsync("http://10.0.0.7:9090");
        }
        await foreach (var state in client.ObserveLeaderAsync("scheduler"))
        {
            Console.WriteLine(state.Leader is null ? "nobody leads" : $"{state.Leader} leads at {state.Value}");
            break;
        }
    }

    private static async Task OthersAsync(IConsensusClient client)
    {
        await using var reader = await client.AcquireLockAsync("catalogue", new LockOptions { Shared = true });
        await using var permits = await client.AcquireSemaphoreAsync("downloads", permits: 8, new SemaphoreOptions { Count = 2 });
        await using var both = await client.AcquireLocksAsync(["account/1", "account/2"], timeout: TimeSpan.FromSeconds(5));
    }

    private static async Task KeysAsync(IConsensusClient client)
    {
        await client.PutAsync("config/limit", "10"u8.ToArray());
        var entry = await client.GetAsync("config/limit");
        var raised = Encoding.UTF8.GetBytes((int.Parse(entry!.Text) + 1).ToString());
        var write = await client.CompareAndSetAsync("config/limit", raised, entry.ModRevision);
        Console.WriteLine(write.Succeeded ? "raised" : $"somebody was faster, at revision {write.Revision}");
    }

    private static async Task TransactAsync(IConsensusClient client)
    {
        await using var handle = await client.AcquireLockAsync("jobs");
        var answer = await client.TransactAsync(new TxnRequest
        {
            Compare = [new TxnCompareRequest { Lock = "jobs", FencingToken = handle.FencingToken }],
            Success = [new TxnOperationRequest { Put = new TxnPutRequest { Key = "jobs/done", Value = "7" } }],
        });
        Console.WriteLine(answer.Succeeded ? "written" : "the lock was lost before: nothing was written");
    }

    private static async Task WatchAsync(IConsensusClient client, int most)
    {
        var list = await client.ListAsync("config/");
        foreach (var entry in list.Items)
        {
            Console.WriteLine($"{entry.Key} = {entry.Text}");
        }
        await client.PutAsync("config/a", "1"u8.ToArray());
        await client.PutAsync("config/b", "2"u8.ToArray());
        await client.DeleteAsync("config/a");
        await foreach (var changes in client.WatchPrefixAsync("config/", new WatchOptions { FromRevision = list.Revision + 1 }))
        {
            foreach (var change in changes.Changes)
            {
                Console.WriteLine($"{changes.Revision}: {change.Key} = {change.Entry?.Text ?? "(deleted)"}");
            }
            if (--most == 0)
            {
                break;
            }
        }
    }

    private static async Task FenceAsync(IConsensusClient client)
    {
        await using var handle = await client.AcquireLockAsync("backup");
        if (!await client.PassFenceAsync("backup-target", handle.FencingToken))
        {
            throw new InvalidOperationException("A later holder was here already.");
        }
    }

    private static async Task LeaseAsync(IConsensusClient client)
    {
        await using var lease = await client.GrantLeaseAsync(TimeSpan.FromSeconds(10));
        await client.PutAsync("services/api/10.0.0.7", "up"u8.ToArray(), lease.Id);
    }

    private static async Task TestAsync()
    {
        using var cluster = new InMemoryCluster();
        using var client = cluster.CreateClient();

        await using var handle = await client.AcquireLockAsync("a");
        cluster.BreakLock("a");                      // an operator breaks it: handle.HandleLost is cancelled by the next renewal
        cluster.Disconnect(client);                  // nothing is answered any more: handle.HandleLost is cancelled at handle.SafeUntil
    }

    internal static void Register(IServiceCollection services)
    {
        services.AddConsensusClient("http://a:7379,http://b:7379,http://c:7379");
        services.AddLeaderElectedHostedService<Scheduler>("scheduler");
    }

    internal static ConsensusClient Create()
    {
        var client = new ConsensusClient(new ConsensusClientOptions
        {
            Endpoints = [new Uri("http://a:7379"), new Uri("http://b:7379"), new Uri("http://c:7379")],
            ClientName = "reports",
        });
        return client;
    }

    internal static ConsensusClient Secure()
    {
        var secure = new ConsensusClient(new ConsensusClientOptions
        {
            Endpoints = [new Uri("https://10.0.0.1:7379"), new Uri("https://10.0.0.2:7379"), new Uri("https://10.0.0.3:7379")],
            Tls = new ClientTls("reports.pem"),
        });
        return secure;
    }

    internal static async Task FirstAsync()
    {
        using var client = new ConsensusClient(new Uri("http://127.0.0.1:7379"));

        await using var handle = await client.AcquireLockAsync("nightly-report", timeout: TimeSpan.FromSeconds(30));
        await WriteReportAsync(handle.FencingToken, handle.HandleLost);
    }

    private static Task WriteReportAsync(long fencingToken, CancellationToken cancellation) =>
        fencingToken > 0 ? Task.CompletedTask : Task.FromCanceled(cancellation);

    internal sealed class Scheduler(LeadershipHandle leadership) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await WriteReportAsync(leadership.FencingToken, stoppingToken);
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
            }
        }
    }
}
