using System.Text.Json.Serialization;
using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Cli.Tests.Support;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Answers;

/// <summary>Answers of success from something that is no member: nothing is read out of them.</summary>
internal sealed class ForeignAnswerTests
{
    private const string Granted = """
        {"name":"a","owner":"me","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":20000,"waitedMs":0,"expiresInMs":20000,
        "clusterId":"c"}
        """;

    private const string Open = "event: open\nid: 5\ndata: {\"fromRevision\":6}\n\n";

    private static readonly string[] Nonsense = ["{}", "", "[]", "null", "1", "\"ok\"", "<html>welcome</html>", "{\"status\":\"ok\"}"];

    private static ConsensusClientOptions Options(params FakeServer[] servers) => new()
    {
        Endpoints = [.. servers.Select(server => server.Endpoint)],
        SessionTtl = null,
    };

    private static string Words(FakeServer server) => $"{server.Endpoint.Authority} does not answer as a Consensus member does: it said 2";

    [TestCaseSource(typeof(Documents), nameof(Documents.Asked))]
    public async Task Without_all_that_it_always_has_no_document_is_believed(AskedDocument document)
    {
        var body = document.Json;
        using var server = new FakeServer(_ => new FakeAnswer(200, body));
        using var api = new ConsensusApiClient(Options(server));
        Assert.That(await document.Problem(api), Is.Null, "all of it");

        foreach (var (what, json) in Documents.Maimed(document.Json).Concat(Nonsense.Select(text => (text, text))))
        {
            body = json;
            var asked = server.Requests.Count;
            var problem = await document.Problem(api);
            Assert.That(problem?.Detail, Does.StartWith(Words(server)), what);
            Assert.That(problem!.Kind, Is.EqualTo(document.IsWrite ? ApiFailureKind.OutcomeUnknown : ApiFailureKind.Unavailable), what);
            Assert.That(server.Requests, Has.Count.EqualTo(asked + 1), "there is nobody else to ask");
        }
    }

    [TestCaseSource(typeof(Documents), nameof(Documents.Told))]
    public async Task Without_all_that_it_always_has_no_event_is_believed(ToldDocument told)
    {
        var stream = "";
        using var server = new FakeServer(_ => new FakeAnswer(200, stream, "text/event-stream"));
        using var api = new ConsensusApiClient(Options(server));
        Tell(told.Json, hasId: true);
        await using (var watch = told.Watch(api).GetAsyncEnumerator())
        {
            Assert.That(await watch.NextAsync(), Is.Not.Null, "all of it");
        }

        foreach (var (what, json) in Documents.Maimed(told.Json).Append(("{}", "{}")))
        {
            Tell(json, hasId: true);
            await RefusedAsync(what);
        }
        if (told.HasId)
        {
            Tell(told.Json, hasId: false);
            await RefusedAsync("without an id");
        }

        void Tell(string json, bool hasId) => stream =
            $"event: {told.Event}\n{(hasId ? "id: 6\n" : "")}data: {json.ReplaceLineEndings("")}\n\n";

        async Task RefusedAsync(string what)
        {
            await using var watch = told.Watch(api).GetAsyncEnumerator();
            var error = await Assert.ThrowsAsync<ConsensusException>(async () => await watch.MoveNextAsync());
            Assert.That(error!.Message, Does.Contain(server.Endpoint.Authority).And.Contain("as a Consensus member does"), what);
        }
    }

    [Test]
    public void Every_document_that_a_client_reads_is_among_these()
    {
        var read = new[] { "ClientJson", "OperationsJson" }.SelectMany(name =>
            typeof(ConsensusApiClient).Assembly.GetType("Consensus.Client." + name)!.GetCustomAttributesData()
                .Where(attribute => attribute.AttributeType == typeof(JsonSerializableAttribute))
                .Select(attribute => (Type)attribute.ConstructorArguments[0].Value!)).ToHashSet();
        Assert.That(read, Has.Count.GreaterThan(30));

        var tried = Documents.Asked.Select(document => document.Type).Concat(Documents.Told.Select(told => told.Type));
        // A place in line and a problem have tests of their own: WaitSliceTests, and that of refusals below.
        Assert.That(read.Except(tried).Except([typeof(PlaceAnswer), typeof(ProblemAnswer)]), Is.Empty);
    }

    [Test]
    public async Task Where_nothing_is_to_be_said_a_success_with_a_body_is_nobodys()
    {
        var answer = new FakeAnswer(200, "{}");
        using var server = new FakeServer(_ => answer);
        using var api = new ConsensusApiClient(Options(server));
        Func<Task<ApiResult<EmptyAnswer>>>[] releases =
        [
            () => api.ReleaseLockAsync("a", 7, default),
            () => api.ForceReleaseLockAsync("a", null, default),
            () => api.ReleaseSemaphoreAsync("a", 7, default),
            () => api.ResignAsync("a", 7, default),
        ];
        foreach (var release in releases)
        {
            foreach (var (status, body) in new[] { (200, "{}"), (200, ""), (201, Granted), (299, "") })
            {
                answer = new FakeAnswer(status, body);
                var problem = (await release()).Problem;
                Assert.That(problem?.Detail, Does.StartWith(Words(server)));
                Assert.That(problem!.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
            }
            answer = new FakeAnswer(204);
            Assert.That((await release()).Succeeded);
        }
    }

    [TestCaseSource(typeof(Documents), nameof(Documents.Grants))]
    public async Task A_grant_is_of_a_token_and_of_times_that_one_can_count_with(AskedDocument grant)
    {
        var body = grant.Json;
        using var server = new FakeServer(_ => new FakeAnswer(200, body));
        using var api = new ConsensusApiClient(Options(server));
        Assert.That(await grant.Problem(api), Is.Null, "all of it");

        foreach (var (what, wrong) in new[]
        {
            ("\"fencingToken\":7", "\"fencingToken\":0"),
            ("\"fencingToken\":7", "\"fencingToken\":-7"),
            ("\"locks\":[{\"name\":\"a\",\"fencingToken\":7}]", "\"locks\":[]"),
            ("\"ttlMs\":1,", "\"ttlMs\":-1,"),
            ("\"ttlMs\":1,", $"\"ttlMs\":{long.MaxValue},"),
            ("\"waitedMs\":0", $"\"waitedMs\":{long.MaxValue}"),
            ("\"waitedMs\":0", $"\"waitedMs\":{long.MinValue}"),
        })
        {
            body = grant.Json.Replace(what, wrong, StringComparison.Ordinal);
            if (body != grant.Json)
            {
                Assert.That((await grant.Problem(api))?.Detail, Does.StartWith(Words(server)), wrong);
            }
        }
    }

    [TestCase("""{"id":"1f","ttlMs":-1,"expiresInMs":14000}""")]
    [TestCase("""{"id":"1f","ttlMs":9223372036854775807,"expiresInMs":14000}""")]
    public async Task A_lease_is_of_a_time_that_one_can_count_with(string body)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, body));
        using var api = new ConsensusApiClient(Options(server));

        var result = await api.GrantLeaseAsync(TimeSpan.FromSeconds(15), default);

        Assert.That(result.Problem?.Detail, Does.StartWith(Words(server)));
    }

    [Test]
    public async Task An_acquire_goes_on_at_the_next_endpoint_with_the_same_key()
    {
        using var stranger = new FakeServer(_ => new FakeAnswer(200, "{}"));
        using var member = new FakeServer(request => request.Method == "DELETE" ? new FakeAnswer(204) : new FakeAnswer(200, Granted));
        using var client = new ConsensusClient(Options(stranger, member));

        await using (var handle = await client.AcquireLockAsync("a"))
        {
            Assert.That(handle.FencingToken, Is.EqualTo(7));
        }

        Assert.That(stranger.Requests, Has.Count.EqualTo(1), "who answered as a member does is asked first from then on");
        Assert.That(member.Requests.First().Header("Idempotency-Key"), Is.EqualTo(stranger.Requests.First().Header("Idempotency-Key")));
    }

    [Test]
    public async Task A_hold_that_a_stranger_grants_is_not_held_and_is_withdrawn()
    {
        using var stranger = new FakeServer(_ => new FakeAnswer(200, "{}"));
        using var client = new ConsensusClient(Options(stranger));

        var error = await Assert.ThrowsAsync<ConsensusException>(() => client.TryAcquireLockAsync("a"));

        Assert.That(error!.Problem.Kind, Is.EqualTo(ApiFailureKind.OutcomeUnknown));
        Assert.That(error.Problem.Detail, Is.EqualTo(Words(stranger) + "00 (application/json) \"{}\"."));
        var key = stranger.Requests.First().Header("Idempotency-Key");
        await Eventually.UntilAsync(() => stranger.Requests.Any(request => request.Path == "/v1/requests/" + key), "it is withdrawn");
    }

    [Test]
    public async Task A_read_goes_on_at_the_next_endpoint()
    {
        using var stranger = new FakeServer(_ => new FakeAnswer(200, "{}"));
        using var member = new FakeServer(_ => new FakeAnswer(
            200, """{"key":"a","value":"v","createRevision":2,"modRevision":3,"version":2,"lease":null}"""));
        using var client = new ConsensusClient(Options(stranger, member));

        Assert.That((await client.GetAsync("a"))?.Text, Is.EqualTo("v"));
    }

    [TestCase("""{"key":"a","valueBase64":"%","createRevision":2,"modRevision":3,"version":2,"lease":null}""")]
    [TestCase("""{"keyBase64":"%","value":"v","createRevision":2,"modRevision":3,"version":2,"lease":null}""")]
    public async Task What_should_be_base_64_and_is_not_is_an_error_that_names_who_said_it(string body)
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, body));
        using var client = new ConsensusClient(Options(server));

        var error = await Assert.ThrowsAsync<ConsensusException>(() => client.GetAsync("a"));

        Assert.That(error!.Problem.Detail, Does.StartWith(Words(server)));
    }

    [Test]
    public async Task A_page_in_the_place_of_a_stream_is_an_error_that_names_who_sent_it()
    {
        using var server = new FakeServer(_ => new FakeAnswer(200, Open, "text/html"));
        using var api = new ConsensusApiClient(Options(server));
        await using var watch = api.WatchKeysAsync("").GetAsyncEnumerator();

        var error = await Assert.ThrowsAsync<ConsensusException>(async () => await watch.MoveNextAsync());
        var backup = await api.OpenSnapshotAsync(stale: false, default);

        Assert.That(error!.Problem.Detail, Is.EqualTo(Words(server) + "00 (text/html)."));
        Assert.That(
            (backup.Problem?.Kind, backup.Problem?.Detail), Is.EqualTo((ApiFailureKind.Unavailable, Words(server) + "00 (text/html).")));
        Assert.That(server.Requests, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_watch_goes_on_at_the_next_endpoint()
    {
        using var stranger = new FakeServer(_ => new FakeAnswer(200, "<html>welcome</html>", "text/html"));
        using var member = new FakeServer(_ => new FakeAnswer(200, Open, "text/event-stream"));
        using var api = new ConsensusApiClient(Options(stranger, member));
        await using var watch = api.WatchKeysAsync("").GetAsyncEnumerator();

        Assert.That(await watch.NextAsync(), Is.InstanceOf<WatchOpened>());
    }

    [TestCase("""{"type":"urn:consensus:problem:lock-held","title":"t","status":409}""")]
    [TestCase("""{"type":"urn:consensus:problem:lock-held","title":null,"status":409,"detail":"d"}""")]
    public async Task A_refusal_that_lacks_what_it_always_has_is_no_document(string body)
    {
        using var server = new FakeServer(_ => new FakeAnswer(409, body, "application/problem+json"));
        using var api = new ConsensusApiClient(Options(server));

        var problem = (await api.AcquireLockAsync(new LockWish("a", "me"), default)).Problem!;

        Assert.That((problem.Kind, problem.Slug), Is.EqualTo((ApiFailureKind.Refused, "lock-held")));
        Assert.That(problem.Document, Is.Null);
        Assert.That(problem.Json, Is.EqualTo(body));
    }
}
