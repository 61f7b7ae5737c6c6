using System.Globalization;
using System.Text;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;

namespace Consensus.Server.Tests.Fuzzing;

/// <summary>Requests that make sense, or nearly: each part is drawn from what is right and what a careless or hostile client would put there.</summary>
internal static class Requests
{
    private static readonly string[] Methods = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "get", "X"];

    private static readonly string[] Paths =
    [
        "/v1/kv/", "/v1/kv/a", "/v1/kv/a/b%20c", "/v1/kv/%00", "/v1/kv/%FF", "/v1/kv/..%2f..", "/v1/kv/a//b", "/v1/kv/%zz", "/v1/leases", "/v1/leases/keepalive",
        "/v1/leases/1f", "/v1/leases/7fffffffffffffff/keepalive", "/v1/leases/xyz", "/v1/leases/1f/settle", "/v1/locks/", "/v1/locks/l", "/v1/locks/l/m", "/v1/multilock", "/v1/txn",
        "/v1/semaphores/", "/v1/semaphores/s", "/v1/elections/", "/v1/elections/e", "/v1/fences/", "/v1/fences/f", "/v1/requests/", "/v1/requests/k", "/v1/cluster", "/v1/cluster/members", "/v1/cluster/members/n2", "/v1/cluster/leader", "/v1/status",
        "/livez", "/readyz", "/readyz?verbose", "/metrics", "/openapi/v1.json", "/", "*", "/v1", "/v2/kv/a", "//v1/kv/a",
    ];

    private static readonly string[] Queries =
    [
        "", "", "", "?limit=2", "?limit=-1", "?limit=99999999999999999999", "?prefix=a", "?prefix=%", "?consistency=stale", "?consistency=maybe", "?minRevision=1", "?minRevision=99",
        "?minRevision=9223372036854775808", "?lease=1f", "?lease=zz", "?fencingToken=2", "?fencingToken=", "?fencingToken=1&fencingToken=2", "?force=true", "?cursor=AAAA", "?keysOnly=true",
        "?unknown=1", "?&&=", "?key=x", "?keyBase64=/w==", "?revision=1", "?revision=99", "?fromRevision=1", "?fromRevision=99", "?prev=true",
    ];

    private static readonly string[] Headers =
    [
        "If-Match: \"1\"", "If-Match: *", "If-Match: \"", "If-None-Match: *", "Idempotency-Key: k", "Idempotency-Key: ", "Consensus-Session: 1f; seq=2; acked=1", "Consensus-Session: ;;=;seq", "Content-Type: text/plain", "Accept: application/octet-stream",
        "Accept: text/event-stream", "Accept: application/msgpack", "Accept: ,;q=", "Content-Type: application/msgpack", "Expect: 100-continue", "Connection: close", "Connection: keep-alive, upgrade", "Upgrade: websocket", "Origin: http://evil.example",
        "Host: evil.example", "Range: bytes=0-1", "Last-Event-ID: 1", "Last-Event-ID: 99", "Last-Event-ID: x", "X-Long: " + "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", "Consensus-Term: 9",
    ];

    private static readonly string[] Values =
    [
        "1", "0", "-1", "9223372036854775807", "9223372036854775808", "1e400", "0.5", "true", "null", "\"\"", "\"15s\"", "\"500ms\"", "\"-1s\"", "\"99999999999h\"", "\"1f\"", "\"\\u0000\"",
        "\"\\ud800\"", "\"é\"", "[{\"put\":{\"key\":\"a\",\"value\":\"b\"}}]", "[{\"delete\":{\"prefix\":\"\"}},{\"get\":{\"key\":\"a\"}}]", "[{\"lock\":\"l\",\"fencingToken\":2}]", "[]", "{}", "[1,[2,[3]]]", "{\"a\":{\"b\":1}}", "\"worker\"", "[\"1f\",\"2e\"]",
    ];

    private static readonly string[] Names =
        [
            "owner", "ttl", "wait", "lease", "fencingToken", "ids", "value", "valueBase64", "key", "to", "name", "role", "replaces", "mode", "lockDelay", "metadata", "handOverTo", "Owner", "__proto__", "", "maxHold",
            "session", "seq", "since", "after", "permits", "count", "candidate", "names", "compare", "success", "failure", "put", "delete", "get", "prefix", "limit", "target", "op", "operand",
        ];

    /// <summary>Method, target, headers and body as a correct client sends them.</summary>
    private static readonly (string Method, string Target, string Header, string Body)[] Correct =
    [
        ("PUT", "/v1/kv/a", "", "value"), ("PUT", "/v1/kv/a", "If-None-Match: *", "value"), ("PUT", "/v1/kv/a/b?lease=1f", "If-Match: \"2\"", "value"), ("GET", "/v1/kv/a", "", ""),
        ("GET", "/v1/kv/?prefix=a&limit=2", "", ""), ("DELETE", "/v1/kv/a", "", ""), ("DELETE", "/v1/kv/?prefix=a", "", ""), ("POST", "/v1/leases", "Idempotency-Key: k", "{\"ttl\":\"15s\"}"),
        ("POST", "/v1/leases", "", "{\"ttl\":\"2s\"}"), ("POST", "/v1/leases/keepalive", "", "{\"ids\":[\"1f\",\"2e\"]}"), ("GET", "/v1/leases", "", ""), ("DELETE", "/v1/leases/1f", "", ""),
        ("POST", "/v1/leases", "", "{\"ttl\":\"15s\",\"session\":true}"), ("POST", "/v1/leases/1f/settle", "", "{\"seq\":3}"), ("POST", "/v1/leases/1f/keepalive", "Consensus-Session: 1f; seq=3; acked=2", "{\"since\":0,\"after\":0}"),
        ("POST", "/v1/locks/l", "", "{\"owner\":\"me\",\"ttl\":\"15s\"}"), ("POST", "/v1/locks/l", "Idempotency-Key: w", "{\"owner\":\"me\",\"ttl\":\"15s\",\"wait\":\"60s\"}"),
        ("PUT", "/v1/locks/l", "", "{\"fencingToken\":2}"), ("DELETE", "/v1/locks/l?fencingToken=2", "", ""), ("DELETE", "/v1/locks/l?force=true", "", ""), ("GET", "/v1/locks/l", "", ""),
        ("GET", "/v1/locks/?prefix=", "", ""), ("GET", "/v1/cluster", "", ""), ("POST", "/v1/cluster/leader", "", "{\"to\":\"n2\"}"), ("GET", "/v1/status", "", ""),
        ("POST", "/v1/cluster/members", "", "{\"name\":\"n3\",\"role\":\"learner\"}"), ("PATCH", "/v1/cluster/members/n3", "", "{\"role\":\"voter\",\"replaces\":\"n2\"}"),
        ("DELETE", "/v1/cluster/members/n3", "", ""), ("GET", "/metrics", "", ""), ("DELETE", "/v1/requests/w", "", ""), ("DELETE", "/v1/requests/?key=k", "", ""),
        ("GET", "/openapi/v1.json", "", ""), ("POST", "/v1/locks/l", "", "{\"owner\":\"r\",\"ttl\":\"15s\",\"mode\":\"shared\",\"lockDelay\":\"5s\",\"maxHold\":\"1h\",\"metadata\":{\"a\":[1,{}]}}"),
        ("PATCH", "/v1/locks/l", "", "{\"handOverTo\":\"me\",\"fencingToken\":2}"), ("POST", "/v1/multilock", "", "{\"names\":[\"a\",\"b\"],\"owner\":\"me\",\"ttl\":\"15s\"}"),
        ("POST", "/v1/semaphores/s", "", "{\"owner\":\"me\",\"ttl\":\"15s\",\"permits\":3,\"count\":2}"), ("GET", "/v1/semaphores/s", "", ""), ("DELETE", "/v1/semaphores/s?force=true", "", ""),
        ("POST", "/v1/elections/e", "", "{\"candidate\":\"me\",\"value\":\"v\",\"ttl\":\"15s\"}"), ("PUT", "/v1/elections/e", "", "{\"fencingToken\":2,\"value\":\"w\"}"),
        ("GET", "/v1/elections/e", "", ""), ("GET", "/v1/elections/e", "Accept: text/event-stream", ""), ("PUT", "/v1/fences/f", "", "{\"fencingToken\":2}"), ("GET", "/v1/fences/", "", ""),
        ("DELETE", "/v1/fences/f", "", ""), ("GET", "/v1/kv/a?revision=2", "", ""), ("GET", "/v1/kv/?prefix=&fromRevision=2&prev=true", "Accept: text/event-stream", ""),
        ("POST", "/v1/txn", "Idempotency-Key: t", "{\"compare\":[{\"key\":\"a\",\"target\":\"version\",\"op\":\">\",\"operand\":0},{\"lock\":\"l\",\"fencingToken\":2}],\"success\":[{\"put\":{\"key\":\"a\",\"value\":\"b\"}}],\"failure\":[{\"get\":{\"prefix\":\"a\",\"limit\":2}},{\"delete\":{\"prefix\":\"z\"}}]}"),
    ];

    /// <summary>One to three on one connection; after the last one the server is mostly asked to close.</summary>
    public static string DrawSeveral(DeterministicRandom random)
    {
        var all = string.Concat(Enumerable.Range(0, (int)random.Next(1, 4)).Select(_ => Draw(random)));
        return random.Chance(1, 6) ? all : all + "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    }

    private static string Draw(DeterministicRandom random)
    {
        if (random.Chance(2, 3))
        {
            var (method, target, header, content) = Correct[random.Next(Correct.Length)];
            content = InEitherForm(random, content);
            header = header.Length == 0 && random.Chance(1, 4) ? "Accept: application/msgpack" : header;
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{header}{(header.Length > 0 ? "\r\n" : "")}Content-Length: {content.Length}\r\n\r\n{content}");
        }
        return DrawCareless(random);
    }

    private static string DrawCareless(DeterministicRandom random)
    {
        string Of(string[] choices) => choices[random.Next(choices.Length)];
        var body = InEitherForm(random, DrawBody(random));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Of(Methods[..(random.Chance(1, 5) ? Methods.Length : 5)])} {Of(Paths)}{Of(Queries)} HTTP/1.1\r\n");
        if (!random.Chance(1, 30))
        {
            text.Append("Host: localhost\r\n");
        }
        for (var headers = random.Next(3); headers > 0; headers--)
        {
            text.Append(Of(Headers)).Append("\r\n");
        }
        if (random.Chance(1, 5))
        {
            return text.Append(CultureInfo.InvariantCulture, $"Transfer-Encoding: chunked\r\n\r\n{Encoding.Latin1.GetByteCount(body):x}\r\n{body}\r\n{(body.Length > 0 ? "0\r\n\r\n" : "")}").ToString();
        }
        var length = random.Chance(1, 15) ? Of(["-1", "0", "1", "abc", "99999999999", "+3"]) : body.Length.ToString(CultureInfo.InvariantCulture);
        return text.Append(CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n\r\n{body}").ToString();
    }

    /// <summary>What is JSON, as MessagePack now and then, whose bytes are told as the characters of Latin-1.</summary>
    private static string InEitherForm(DeterministicRandom random, string body) =>
        random.Chance(1, 3) && Packed.TryOf(body) is { } packed ? Encoding.Latin1.GetString(packed) : body;

    private static string DrawBody(DeterministicRandom random)
    {
        switch (random.Next(8))
        {
            case 0:
                return "";
            case 1:
                return new string('x', (int)random.Next(200));
            case 2:
                return """{"owner":"me","ttl":"15s","wait":"60s"}""";
            case 3:
                return """{"owner":"me","ttl":"15s"}""";
            case 4:
                return """{"ttl":"15s"}""";
            case 5 when random.Chance(1, 2):
                return """{"success":[{"put":{"key":"a","value":"x"}},{"get":{"prefix":""}}],"compare":[{"key":"a","target":"exists","operand":true}]}""";
            case 5:
                return new string('[', (int)random.Next(1, 400));
            default:
                var fields = Enumerable.Range(0, (int)random.Next(5)).Select(_ => $"\"{Names[random.Next(Names.Length)]}\":{Values[random.Next(Values.Length)]}");
                return "{" + string.Join(',', fields) + "}";
        }
    }
}
