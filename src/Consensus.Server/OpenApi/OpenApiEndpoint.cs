using Consensus.Api;
using Consensus.Primitives;
using Consensus.Server.Http;
using Consensus.Server.Routing;

namespace Consensus.Server.OpenApi;

/// <summary>GET of <c>/openapi/v1.json</c>: the document that is embedded in this assembly.</summary>
internal sealed class OpenApiEndpoint(Replies replies)
{
    private const string ResourceName = "Consensus.Server.OpenApi.v1.json";

    private static readonly Lazy<byte[]> Document = new(Load);

    public Task GetAsync(ApiCall call)
    {
        replies.Start(call.Http, StatusCodes.Status200OK, Revision.Zero);
        call.Http.Response.ContentType = ApiMediaTypes.Json;
        return replies.Body(call.Http, Document.Value, isUrgent: true);
    }

    private static byte[] Load()
    {
        using var stream = typeof(OpenApiEndpoint).Assembly.GetManifestResourceStream(ResourceName);
        Invariant.Require(stream is not null, "the OpenAPI document is embedded");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
