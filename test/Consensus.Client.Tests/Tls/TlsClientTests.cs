using System.Net.Security;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;
using Consensus.Security.Certificates;
using Microsoft.Extensions.DependencyInjection;

namespace Consensus.Client.Tests.Tls;

/// <summary>
/// A client as a program has it, over https: when it goes on elsewhere, when it gives up, and that nothing leaves it in the clear.
/// </summary>
internal sealed class TlsClientTests
{
    private static readonly FakeAnswer Key = new(
        200, """{"key":"a","value":"dg==","createRevision":1,"modRevision":1,"version":1,"lease":null,"revision":1}""");
    private static readonly FakeAnswer Unknown = FakeAnswer.Problem(401, "unauthenticated", "Who asks is not known.");

    private readonly TestCertificates _certificates = new();
    private readonly TestCertificates _others = new("c-other");

    [OneTimeTearDown]
    public void End()
    {
        _certificates.Dispose();
        _others.Dispose();
    }

    [Test]
    public async Task Who_is_not_believed_is_asked_once_though_there_is_an_hour_for_it([Values] bool isOnCallingThread)
    {
        using var member = new FakeServer(_ => Key);
        using var front = new TlsFront(member.Endpoint, _others.Member("n1"));
        using var api = new ConsensusApiClient(Options(front.Endpoint) with { SendsOnCallingThread = isOnCallingThread });

        var read = (await api.GetKeyAsync("a", null, default).InTimeAsync()).Problem!;
        var write = (await api.DeleteKeyAsync("a", null, default).InTimeAsync()).Problem!;

        Assert.That((read.Kind, write.Kind), Is.EqualTo((ApiFailureKind.Unavailable, ApiFailureKind.Unavailable)));
        Assert.That(read.Detail, Does.Contain("is not believed by its certificate, and nothing was sent"));
        Assert.That(front.Connections, Is.EqualTo(2));
    }

    [Test]
    public async Task A_member_among_strangers_is_found([Values] bool isOnCallingThread)
    {
        using var member = new FakeServer(_ => Key);
        using var stranger = new TlsFront(member.Endpoint, _others.Member("n1"));
        using var front = new TlsFront(member.Endpoint, _certificates.Member("n2"));
        using var api =
            new ConsensusApiClient(Options(stranger.Endpoint, front.Endpoint) with { SendsOnCallingThread = isOnCallingThread });

        var found = await api.GetKeyAsync("a", null, default).InTimeAsync();

        Assert.That(found.Succeeded, Is.True, found.Problem?.Detail);
        Assert.That(member.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_hold_is_not_waited_for_where_nobody_is_believed()
    {
        using var member = new FakeServer(_ => Key);
        using var front = new TlsFront(member.Endpoint, _others.Member("n1"));
        using var client = new ConsensusClient(Options(front.Endpoint));

        var refused = await Assert.ThrowsAsync<ConsensusException>(() => client.AcquireLockAsync("a").InTimeAsync());

        Assert.That(refused!.Problem.Detail, Does.Contain("is not believed by its certificate"));
        Assert.That(member.Requests, Is.Empty);
    }

    [Test]
    public async Task No_redirect_is_followed([Values] bool isOnCallingThread)
    {
        using var elsewhere = new FakeServer(_ => Key);
        using var member = new FakeServer(_ => new FakeAnswer(307) { Location = new Uri(elsewhere.Endpoint, "/v1/kv/a") });
        using var front = new TlsFront(member.Endpoint, _certificates.Member("n1"));
        using var api = new ConsensusApiClient(Options(front.Endpoint) with { SendsOnCallingThread = isOnCallingThread });

        var told = (await api.GetKeyAsync("a", null, default).InTimeAsync()).Problem!;

        Assert.That(told.Detail, Does.Contain("no redirect is followed"));
        Assert.That(member.Requests, Has.Count.EqualTo(1));
        Assert.That(elsewhere.Requests, Is.Empty);
    }

    [Test]
    public async Task Who_is_not_known_is_denied_and_not_asked_again()
    {
        using var member = new FakeServer(_ => Unknown);
        using var front = new TlsFront(member.Endpoint, _certificates.Member("n1"));
        using var client = new ConsensusClient(Options(front.Endpoint) with { SessionTtl = null });
        await using var watch = client.WatchAsync("a").GetAsyncEnumerator();

        var acquire = await Assert.ThrowsAsync<ConsensusException>(() => client.AcquireLockAsync("a").InTimeAsync());
        var put = await Assert.ThrowsAsync<ConsensusException>(() => client.PutAsync("a", "v"u8.ToArray()).InTimeAsync());
        var watched = await Assert.ThrowsAsync<ConsensusException>(() => watch.MoveNextAsync().AsTask().InTimeAsync());

        foreach (var denied in new[] { acquire!, put!, watched! })
        {
            Assert.That((denied.Problem.Kind, denied.Problem.Status, denied.Problem.Detail),
                Is.EqualTo((ApiFailureKind.Denied, 401, "Who asks is not known.")));
        }
        Assert.That(member.Requests.Count(request => request.Method != "DELETE"), Is.EqualTo(3), "each was asked once");
    }

    [Test]
    public async Task A_write_that_may_be_done_is_not_undone_by_who_does_not_know_its_sender()
    {
        var sends = 0;
        using var member = new FakeServer(_ => Interlocked.Increment(ref sends) == 1 ? FakeAnswer.Abort : Unknown);
        using var front = new TlsFront(member.Endpoint, _certificates.Member("n1"));
        using var api = new ConsensusApiClient(Options(front.Endpoint));

        var told = (await api.DeleteKeyAsync("a", null, default).InTimeAsync()).Problem!;

        Assert.That(told.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
        Assert.That(sends, Is.EqualTo(2));
    }

    [Test]
    public async Task A_renewal_of_who_is_not_known_does_not_end_a_hold_and_a_release_does_not_say_that_it_was_lost()
    {
        using var sessions = new FakeSessions();
        using var front = new TlsFront(sessions.Endpoint, _certificates.Member("n1"));
        using var client = new ConsensusClient(Options(front.Endpoint) with { SessionTtl = null });
        var handle = await client.AcquireLockAsync("a", new LockOptions { Ttl = TimeSpan.FromMinutes(10) });
        sessions.Instead = _ => Task.FromResult<FakeAnswer?>(Unknown);

        var denied = await Assert.ThrowsAsync<ConsensusException>(() => handle.ReleaseAsync().InTimeAsync());

        Assert.That(denied!.Problem.Kind, Is.EqualTo(ApiFailureKind.Denied));
        using var api = new ConsensusApiClient(Options(front.Endpoint));
        var renewal = api.RenewLockOnce("a", handle.FencingToken, TimeSpan.FromSeconds(20), default);
        Assert.That((renewal.Outcome, renewal.Detail), Is.EqualTo((HoldRenewalOutcome.Unanswered, "Who asks is not known.")));
    }

    [Test]
    public async Task A_watch_that_stands_ends_where_nobody_is_believed_any_more()
    {
        var opened = new TaskCompletionSource();
        using var member =
            new FakeServer(_ => new FakeAnswer(200, "event: open\nid: 7\ndata: {\"fromRevision\":8}\n\n", "text/event-stream"));
        using var front = new TlsFront(member.Endpoint, _certificates.Member("n1"));
        using var api = new ConsensusApiClient(Options(front.Endpoint));
        await using var watch = api.WatchKeyAsync("a").GetAsyncEnumerator();
        await watch.NextAsync();
        front.Context = SslStreamCertificateContext.Create(_others.Wrong(Flaw.TwoUris, CertificateRole.Member).Leaf, null, offline: true);
        member.Stop();

        var ended = await Assert.ThrowsAsync<ConsensusException>(() => watch.MoveNextAsync().AsTask().InTimeAsync());

        Assert.That(ended!.Problem.Detail, Does.Contain("is not believed by its certificate"));
    }

    [TestCase("http://127.0.0.1:7379", "nothing is sent in the clear; write https://127.0.0.1:7379.")]
    [TestCase("https://127.0.0.1:7379/path", "it has a path")]
    public void With_a_bundle_an_endpoint_in_the_clear_is_refused(string endpoint, string why)
    {
        var tls = new ClientTls(_certificates.Client("billing"));
        var options = new ConsensusClientOptions { Endpoints = [new Uri(endpoint)], Tls = tls };
        Assert.That(() => new ConsensusClient(options), Throws.ArgumentException.With.Message.Contains(why));
        Assert.That(
            () => new ServiceCollection().AddConsensusClient($"a,{endpoint}", tls),
            Throws.ArgumentException.With.Message.Contains(why));
    }

    [Test]
    public void With_a_bundle_an_endpoint_that_is_not_given_is_over_https()
    {
        var tls = new ClientTls(_certificates.Client("billing"));
        Assert.That(new ConsensusClientOptions { Tls = tls }.Endpoints.Single(), Is.EqualTo(new Uri("https://127.0.0.1:7379")));
        Assert.That(new ConsensusClientOptions().Endpoints.Single(), Is.EqualTo(new Uri("http://127.0.0.1:7379")));
    }

    [Test]
    public async Task An_endpoint_without_a_scheme_is_over_https_where_there_is_a_bundle()
    {
        using var member = new FakeServer(_ => Key);
        using var front = new TlsFront(member.Endpoint, _certificates.Member("n1"));
        var services = new ServiceCollection().AddConsensusClient(front.Endpoint.Authority, new ClientTls(_certificates.Client("billing")));
        using var provider = services.BuildServiceProvider();

        var entry = await provider.GetRequiredService<IConsensusClient>().GetAsync("a");

        Assert.That(entry!.ModRevision, Is.EqualTo(1));
        Assert.That(front.Clients, Is.EqualTo(new[] { "consensus://c-test/client/billing" }));
    }

    private ConsensusClientOptions Options(params Uri[] endpoints) => new()
    {
        Endpoints = endpoints,
        Tls = new ClientTls(_certificates.Client("billing")),
        RetryFor = TimeSpan.FromHours(1),
        RetryUnreachableFor = TimeSpan.FromHours(1),
    };
}
