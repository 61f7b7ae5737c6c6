using Microsoft.Extensions.Primitives;

namespace Consensus.Server.KeyValue;

internal enum AcceptedForm
{
    Json,
    Bytes,
    EventStream,
}

/// <summary>Which form of an item a reader accepts: the first of its media types that this API has; JSON when it names none of them.</summary>
internal static class Accepts
{
    public static AcceptedForm Of(StringValues accept)
    {
        foreach (var value in accept)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var mediaType = value.AsSpan()[range];
                var parameters = mediaType.IndexOf(';');
                mediaType = (parameters < 0 ? mediaType : mediaType[..parameters]).Trim();
                if (mediaType.Equals("application/octet-stream", StringComparison.OrdinalIgnoreCase))
                {
                    return AcceptedForm.Bytes;
                }
                if (mediaType.Equals("text/event-stream", StringComparison.OrdinalIgnoreCase))
                {
                    return AcceptedForm.EventStream;
                }
                if (mediaType is "*/*" or "application/*" || mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
                {
                    return AcceptedForm.Json;
                }
            }
        }
        return AcceptedForm.Json;
    }
}
