using Microsoft.AspNetCore.Http.Features;

namespace Consensus.Server.Http;

/// <summary>The target and the headers of a request are kept as text as long as the request.</summary>
internal static class RequestText
{
    public static int BytesOf(HttpContext http)
    {
        var characters = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Length;
        foreach (var (name, values) in http.Request.Headers)
        {
            characters += name.Length;
            foreach (var value in values)
            {
                characters += value?.Length ?? 0;
            }
        }
        return characters * sizeof(char);
    }
}
