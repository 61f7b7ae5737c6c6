using Consensus.Server.Json;

namespace Consensus.Server.Cluster;

/// <summary>Reads the body of a leadership transfer: <c>{"to":"name"}</c>; no body or no name: to whoever is furthest.</summary>
internal static class TransferRequest
{
    public static bool TryRead(ReadOnlyMemory<byte> body, out string? to, out string? refusal)
    {
        to = null;
        refusal = null;
        if (body.IsEmpty)
        {
            return true;
        }
        var json = new StrictObjectReader(body);
        while (json.NextField())
        {
            if (json.Is("to"u8, 0))
            {
                to = json.Text();
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (to is "" ? "the field \"to\" is empty" : null);
        return refusal is null;
    }
}
