using BenchmarkDotNet.Attributes;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine;

namespace Consensus.InnerBenchmarks.Routing;

/// <summary>From the raw target of a request to its route, its key and its query.</summary>
public class Targets
{
    private string _target = "";

    [Params("key", "escaped", "release", "page")]
    public string Target { get; set; } = "";

    [GlobalSetup]
    public void Choose() => _target = Target switch
    {
        "key" => "/v1/kv/bench/key-00000042",
        "escaped" => "/v1/kv/bench%2Fkey-%C3%A4",
        "release" => "/v1/locks/bench/own-00042?fencingToken=123456",
        _ => "/v1/kv/?prefix=bench/&limit=100",
    };

    [Benchmark]
    public int Route()
    {
        Span<byte> decoded = stackalloc byte[512];
        Invariant.Require(RequestPath.TrySplit(_target, out var path, out var query), "the target is one of ours");
        Invariant.Require(RequestPath.TryDecode(path, decoded, out var length, out _), "the path is one of ours");
        var route = ApiRouter.Match(decoded[..length], out var name);
        var key = name.IsEmpty ? default : new Key(name);
        var allowed = QueryNames.Release | QueryNames.Prefix | QueryNames.Page | QueryNames.Read;
        var parameters = QueryParameters.Parse(query, allowed, out _);
        Invariant.Require(parameters is not null, "the query is one of ours");
        return (int)route + key.Length;
    }
}
