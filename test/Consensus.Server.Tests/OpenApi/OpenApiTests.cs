using System.Net;
using System.Text.Json;
using Consensus.Api;
using Consensus.Node.Core.Flow;
using Consensus.Server.Auth;
using Consensus.Server.Comparison;
using Consensus.Server.Connections;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Metrics;
using Consensus.Server.Routing;
using Consensus.Server.Tests.Support;
using Consensus.Server.Tokens;
using Consensus.Server.Watches;
using Microsoft.Extensions.Logging.Abstractions;

namespace Consensus.Server.Tests.OpenApi;

/// <summary>The served document and the server are one contract: neither has what the other has not.</summary>
internal sealed class OpenApiTests : ContractTest
{
    private async Task<JsonElement> DocumentAsync()
    {
        using var response = await SendAsync("GET", "/openapi/v1.json");
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var document = JsonDocument.Parse(
            await response.Content.ReadAsByteArrayAsync(), new JsonDocumentOptions { AllowDuplicateProperties = false });
        return document.RootElement.Clone();
    }

    private IReadOnlyList<Endpoint> Table()
    {
        using var views = new PinnedViews(TimeProvider.System);
        using var compared = new ComparedViews(TimeProvider.System);
        using var watches = new WatchHub(Node, TimeProvider.System, Info.MaxWatches, Info.MaxWatchMessageBytes, NullLogger.Instance);
        var unsent = new ByteBudget(1);
        var replies = new Replies(Node, unsent);
        var bodies = new UnfinishedBodies(1, TimeSpan.FromSeconds(1), TimeProvider.System);
        var streams = new StreamMemory(1, replies, TimeProvider.System);
        return ConsensusServer.CreateEndpoints(
            Node,
            replies,
            new AccessGate(Node, isOpenToOthers: false, awaitsForming: false),
            Info,
            Lifecycle,
            views,
            compared,
            watches,
            bodies,
            new HeldByServer(Node, bodies, streams, unsent, watches),
            new RequestCounters(),
            new TokenJudge(TimeProvider.System, TimeProvider.System),
            NullLogger.Instance).All;
    }

    private static JsonElement Resolve(JsonElement document, JsonElement element)
    {
        if (!element.TryGetProperty("$ref", out var reference))
        {
            return element;
        }
        var found = document;
        foreach (var step in reference.GetString()!.Split('/').Skip(1))
        {
            found = found.GetProperty(step);
        }
        return found;
    }

    [Test]
    public async Task Every_path_and_method_of_the_document_is_a_route_and_the_other_way_round()
    {
        var document = await DocumentAsync();
        var documented = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"));
        Assert.That(documented, Is.EquivalentTo(Table().Select(endpoint => $"{endpoint.Method} {ApiRouter.Template(endpoint.Route)}")));
    }

    [Test]
    public async Task Every_documented_operation_is_served()
    {
        var document = await DocumentAsync();
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var method in path.Value.EnumerateObject())
            {
                var target = path.Name.Replace("{key}", "a", StringComparison.Ordinal)
                    .Replace("{name}", "a", StringComparison.Ordinal)
                    .Replace("{resource}", "a", StringComparison.Ordinal)
                    .Replace("{setting}", "a", StringComparison.Ordinal)
                    .Replace("{idempotencyKey}", "a", StringComparison.Ordinal)
                    .Replace("{id}", "1", StringComparison.Ordinal);
                using var response = await SendAsync(method.Name.ToUpperInvariant(), target);
                Assert.That(response.StatusCode, Is.Not.EqualTo(HttpStatusCode.MethodNotAllowed), $"{method.Name} {target}");
                var status = ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
                Assert.That(method.Value.GetProperty("responses").TryGetProperty(status, out _), Is.True, $"{method.Name} {target} documents {status}");
            }
        }
    }

    /// <summary>A read is done or not done: who only reads has no unknown outcome to handle.</summary>
    [Test]
    public async Task Every_operation_may_fail_and_only_what_changes_something_may_have_an_unknown_outcome()
    {
        var document = await DocumentAsync();
        foreach (var endpoint in Table())
        {
            var operation = document.GetProperty("paths").GetProperty(ApiRouter.Template(endpoint.Route))
                .GetProperty(endpoint.Method.ToLowerInvariant());
            var documented = operation.GetProperty("responses").EnumerateObject().Select(response => response.Name).ToList();
            var name = $"{endpoint.Method} {ApiRouter.Template(endpoint.Route)}";
            var changes = endpoint.Method != "GET" && endpoint.Route is not (ApiRoute.StateTables or ApiRoute.AuthCheck);
            Assert.That(documented, Does.Contain("500"), name);
            Assert.That(documented.Contains("504"), Is.EqualTo(changes), name);
        }
    }

    [Test]
    public async Task Every_documented_query_parameter_is_taken_and_the_other_way_round()
    {
        var document = await DocumentAsync();
        foreach (var endpoint in Table())
        {
            var operation = document.GetProperty("paths").GetProperty(ApiRouter.Template(endpoint.Route))
                .GetProperty(endpoint.Method.ToLowerInvariant());
            var documented = operation.TryGetProperty("parameters", out var parameters)
                ? parameters.EnumerateArray().Select(parameter => Resolve(document, parameter))
                    .Where(parameter => parameter.GetProperty("in").GetString() == "query")
                    .Select(parameter => parameter.GetProperty("name").GetString()!).ToList()
                : [];
            var taken = Enum.GetValues<QueryName>().Where(name => ((int)endpoint.Query & (1 << (int)name)) != 0).Select(QueryNameText.Of).ToList();
            // Taken beside a name in the path only to say what is wrong with that.
            if (endpoint.Route is ApiRoute.Key or ApiRoute.Lock or ApiRoute.Semaphore or ApiRoute.Election or ApiRoute.Fence or ApiRoute.Request)
            {
                taken.RemoveAll(name => name is "key" or "keyBase64" or "prefix");
            }
            Assert.That(documented, Is.EquivalentTo(taken), $"{endpoint.Method} {ApiRouter.Template(endpoint.Route)}");
        }
    }

    [Test]
    public async Task Every_operation_says_what_becomes_of_who_is_not_known_and_that_answer_names_nothing_of_the_cluster()
    {
        var document = await DocumentAsync();
        foreach (var method in document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()))
        {
            var answer = Resolve(document, method.Value.GetProperty("responses").GetProperty("401"));
            var headers = answer.GetProperty("headers").EnumerateObject().Select(header => header.Name);
            Assert.That(headers, Is.EqualTo(new[] { "WWW-Authenticate" }), method.Value.GetProperty("operationId").GetString());
        }
        var scheme = document.GetProperty("components").GetProperty("securitySchemes").GetProperty("clientCertificate");
        Assert.That(scheme.GetProperty("type").GetString(), Is.EqualTo("mutualTLS"));
    }

    [Test]
    public async Task Every_operation_with_a_body_says_what_becomes_of_one_that_is_too_large_too_slow_or_has_no_room()
    {
        var document = await DocumentAsync();
        foreach (var method in document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()))
        {
            var documented = method.Value.GetProperty("responses").EnumerateObject().Select(response => response.Name).ToList();
            var name = method.Value.GetProperty("operationId").GetString();
            Assert.That(documented, Does.Contain("429"), $"{name}: over HTTP/2 anything can be refused for want of memory");
            if (method.Value.TryGetProperty("requestBody", out _))
            {
                Assert.That(documented, Does.Contain("408").And.Contain("413"), name);
            }
        }
    }

    [Test]
    public async Task Every_read_whose_form_may_be_chosen_says_what_it_offers_and_what_becomes_of_a_request_for_another()
    {
        var document = await DocumentAsync();
        foreach (var endpoint in Table().Where(endpoint => endpoint.Method == "GET"))
        {
            var template = ApiRouter.Template(endpoint.Route);
            var responses = document.GetProperty("paths").GetProperty(template).GetProperty("get").GetProperty("responses");
            Assert.That(responses.TryGetProperty("406", out _), Is.EqualTo(endpoint.Forms != MediaForms.None), template);
            if (endpoint.Forms != MediaForms.None)
            {
                var offered = Accepts.NotAcceptable(endpoint.Forms).Detail.Split(": ")[1].Split(", ");
                var documented = responses.GetProperty("200").GetProperty("content").EnumerateObject().Select(form => form.Name.Split(';')[0]);
                Assert.That(documented, endpoint.Route == ApiRoute.Keys ? Is.SupersetOf(offered) : Is.EquivalentTo(offered), template);
            }
        }
    }

    [Test]
    public async Task Whatever_is_JSON_is_MessagePack_too_but_for_this_document()
    {
        var document = await DocumentAsync();
        foreach (var path in document.GetProperty("paths").EnumerateObject().Where(path => path.Name != "/openapi/v1.json"))
        {
            Visit(path.Value, element =>
            {
                if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty("application/json", out var json))
                {
                    Assert.That(element.TryGetProperty("application/msgpack", out var packed), Is.True, path.Name);
                    Assert.That(JsonElement.DeepEquals(json, packed), Is.True, path.Name);
                }
            });
        }
    }

    [Test]
    public async Task Every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own()
    {
        var document = await DocumentAsync();
        var names = new List<string>();
        Visit(document, element =>
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                Assert.That(Resolve(document, element).ValueKind, Is.EqualTo(JsonValueKind.Object));
                if (element.TryGetProperty("operationId", out var name))
                {
                    names.Add(name.GetString()!);
                }
            }
        });
        Assert.That(names, Is.Unique);
    }

    [Test]
    public async Task Schemas_have_the_members_of_the_records()
    {
        var schemas = (await DocumentAsync()).GetProperty("components").GetProperty("schemas");
        foreach (var (schema, type) in new (string, System.Text.Json.Serialization.Metadata.JsonTypeInfo)[]
        {
            ("Key", ApiJson.Default.KeyAnswer),
            ("KeyList", ApiJson.Default.KeyListAnswer),
            ("KeysDeleted", ApiJson.Default.KeysDeletedAnswer),
            ("LeaseGrantRequest", ApiJson.Default.LeaseGrantRequest),
            ("LeaseKeepAliveRequest", ApiJson.Default.LeaseKeepAliveRequest),
            ("Lease", ApiJson.Default.LeaseAnswer),
            ("LeaseKeepAlive", ApiJson.Default.LeaseKeepAliveAnswer),
            ("LeaseDetail", ApiJson.Default.LeaseDetailAnswer),
            ("LeaseList", ApiJson.Default.LeaseListAnswer),
            ("LeaseRevoked", ApiJson.Default.LeaseRevokedAnswer),
            ("Session", ApiJson.Default.SessionAnswer),
            ("SessionKeepAliveRequest", ApiJson.Default.SessionKeepAliveRequest),
            ("SessionNews", ApiJson.Default.SessionNewsAnswer),
            ("SettleRequest", ApiJson.Default.SettleRequest),
            ("Settle", ApiJson.Default.SettleAnswer),
            ("LockAcquireRequest", ApiJson.Default.LockAcquireRequest),
            ("LockRenewRequest", ApiJson.Default.LockRenewRequest),
            ("LockGrant", ApiJson.Default.LockGrantAnswer),
            ("HoldRenewed", ApiJson.Default.HoldRenewedAnswer),
            ("HoldLoss", ApiJson.Default.HoldLossAnswer),
            ("Lock", ApiJson.Default.LockAnswer),
            ("LockList", ApiJson.Default.LockListAnswer),
            ("HandOverRequest", ApiJson.Default.HandOverRequest),
            ("HandOver", ApiJson.Default.HandOverAnswer),
            ("HoldDelay", ApiJson.Default.HoldDelayAnswer),
            ("ChangePermitsRequest", ApiJson.Default.ChangePermitsRequest),
            ("PermitsChanged", ApiJson.Default.PermitsChangedAnswer),
            ("MultiLockRequest", ApiJson.Default.MultiLockRequest),
            ("MultiLock", ApiJson.Default.MultiLockAnswer),
            ("SemaphoreAcquireRequest", ApiJson.Default.SemaphoreAcquireRequest),
            ("SemaphoreGrant", ApiJson.Default.SemaphoreGrantAnswer),
            ("SemaphoreRenewed", ApiJson.Default.SemaphoreRenewedAnswer),
            ("Semaphore", ApiJson.Default.SemaphoreAnswer),
            ("SemaphoreList", ApiJson.Default.SemaphoreListAnswer),
            ("CampaignRequest", ApiJson.Default.CampaignRequest),
            ("ProclaimRequest", ApiJson.Default.ProclaimRequest),
            ("Elected", ApiJson.Default.ElectedAnswer),
            ("Leadership", ApiJson.Default.LeadershipAnswer),
            ("Election", ApiJson.Default.ElectionAnswer),
            ("ElectionList", ApiJson.Default.ElectionListAnswer),
            ("FenceRequest", ApiJson.Default.FenceRequest),
            ("Fence", ApiJson.Default.FenceAnswer),
            ("FenceList", ApiJson.Default.FenceListAnswer),
            ("FenceReset", ApiJson.Default.FenceResetAnswer),
            ("SettingRequest", ApiJson.Default.SettingRequest),
            ("Setting", ApiJson.Default.SettingAnswer),
            ("SettingList", ApiJson.Default.SettingListAnswer),
            ("AccessRule", ApiJson.Default.AccessRuleMessage),
            ("RolePutRequest", ApiJson.Default.RolePutRequest),
            ("Role", ApiJson.Default.RoleAnswer),
            ("RoleList", ApiJson.Default.RoleListAnswer),
            ("PrincipalPutRequest", ApiJson.Default.PrincipalPutRequest),
            ("PrincipalLimits", ApiJson.Default.PrincipalLimitsMessage),
            ("Principal", ApiJson.Default.PrincipalAnswer),
            ("PrincipalList", ApiJson.Default.PrincipalListAnswer),
            ("RevocationPutRequest", ApiJson.Default.RevocationPutRequest),
            ("Revocation", ApiJson.Default.RevocationAnswer),
            ("RevocationList", ApiJson.Default.RevocationListAnswer),
            ("TokenPutRequest", ApiJson.Default.TokenPutRequest),
            ("TokenPostRequest", ApiJson.Default.TokenPostRequest),
            ("Token", ApiJson.Default.TokenAnswer),
            ("TokenList", ApiJson.Default.TokenListAnswer),
            ("TokenMade", ApiJson.Default.TokenMadeAnswer),
            ("PolicyChanged", ApiJson.Default.PolicyChangedAnswer),
            ("Whoami", ApiJson.Default.WhoamiAnswer),
            ("AccessCheckRequest", ApiJson.Default.AccessCheckRequest),
            ("AccessCheck", ApiJson.Default.AccessCheckAnswer),
            ("AccessEnableRequest", ApiJson.Default.AccessEnableRequest),
            ("Withdraw", ApiJson.Default.WithdrawAnswer),
            ("TxnRequest", ApiJson.Default.TxnRequest),
            ("TxnCompare", ApiJson.Default.TxnCompareRequest),
            ("TxnOperation", ApiJson.Default.TxnOperationRequest),
            ("TxnPut", ApiJson.Default.TxnPutRequest),
            ("TxnDelete", ApiJson.Default.TxnDeleteRequest),
            ("TxnGet", ApiJson.Default.TxnGetRequest),
            ("Txn", ApiJson.Default.TxnAnswer),
            ("TxnResult", ApiJson.Default.TxnResultAnswer),
            ("WatchOpen", ApiJson.Default.WatchOpenData),
            ("WatchEvent", ApiJson.Default.WatchEventData),
            ("WatchChanges", ApiJson.Default.WatchChangesData),
            ("WatchCompacted", ApiJson.Default.WatchCompactedData),
            ("LeaseEnded", ApiJson.Default.LeaseEndedData),
            ("ElectionEvent", ApiJson.Default.ElectionEventData),
            ("Cluster", ApiJson.Default.ClusterAnswer),
            ("Member", ApiJson.Default.MemberAnswer),
            ("MemberAddRequest", ApiJson.Default.MemberAddRequest),
            ("MemberUpdateRequest", ApiJson.Default.MemberUpdateRequest),
            ("MemberRemoved", ApiJson.Default.MemberRemovedAnswer),
            ("LeaderTransferRequest", ApiJson.Default.LeaderTransferRequest),
            ("LeaderTransfer", ApiJson.Default.LeaderTransferAnswer),
            ("Status", ApiJson.Default.StatusAnswer),
            ("StateHash", ApiJson.Default.StateHashAnswer),
            ("StateTables", ApiJson.Default.StateTablesAnswer),
            ("StateTable", ApiJson.Default.StateTableAnswer),
            ("TableRangesRequest", ApiJson.Default.TableRangesRequest),
            ("TableRangeRequest", ApiJson.Default.TableRangeRequest),
            ("TableRanges", ApiJson.Default.TableRangesAnswer),
            ("TableRange", ApiJson.Default.TableRangeAnswer),
            ("TableSum", ApiJson.Default.TableSumAnswer),
            ("TableItem", ApiJson.Default.TableItemAnswer),
            ("Live", ApiJson.Default.LiveAnswer),
            ("Ready", ApiJson.Default.ReadyAnswer),
            ("Problem", ApiJson.Default.ProblemAnswer),
        })
        {
            var documented = schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(property => property.Name);
            Assert.That(documented, Is.EquivalentTo(type.Properties.Select(property => property.Name)), schema);
        }
    }

    [Test]
    public async Task The_documented_header_of_an_identity_is_on_every_write()
    {
        var document = await DocumentAsync();
        // Changes of the cluster itself, withdrawals and settlements are idempotent without one; a question about ranges, or about rights,
        // changes nothing.
        foreach (var endpoint in Table().Where(endpoint => endpoint.Method != "GET"
            && endpoint.Route is not (ApiRoute.ClusterLeader or ApiRoute.ClusterMembers or ApiRoute.ClusterMember or ApiRoute.Request or ApiRoute.Requests or ApiRoute.StateTables or ApiRoute.LeaseSettle
                or ApiRoute.AuthCheck)
            // A token is told once, and its answer kept nowhere.
            && (endpoint.Route, endpoint.Method) != (ApiRoute.AuthTokens, "POST")))
        {
            var operation = document.GetProperty("paths").GetProperty(ApiRouter.Template(endpoint.Route)).GetProperty(endpoint.Method.ToLowerInvariant());
            var headers = operation.GetProperty("parameters").EnumerateArray().Select(parameter => Resolve(document, parameter))
                .Where(parameter => parameter.GetProperty("in").GetString() == "header").Select(parameter => parameter.GetProperty("name").GetString());
            Assert.That(headers, Does.Contain(ApiHeaders.IdempotencyKey).And.Contain(ApiHeaders.Session), $"{endpoint.Method} {ApiRouter.Template(endpoint.Route)}");
        }
    }

    private static void Visit(JsonElement element, Action<JsonElement> visit)
    {
        visit(element);
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                Visit(property.Value, visit);
            }
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
            {
                Visit(item, visit);
            }
        }
    }
}
