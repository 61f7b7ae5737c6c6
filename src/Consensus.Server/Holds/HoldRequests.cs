using Consensus.Api;
using Consensus.Primitives;
using Consensus.Server.Json;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Holds;

/// <summary>Reads the bodies that are alike for locks, semaphores and elections. Each returns null with a sentence when the body is refused.</summary>
internal static class HoldRequests
{
    public const string TokenMissing = "the field \"fencingToken\" is missing";

    /// <summary><c>{"fencingToken":N}</c></summary>
    public static FencingToken? ReadToken(ReadOnlyMemory<byte> body, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        FencingToken? token = null;
        while (json.NextField())
        {
            if (json.Is("fencingToken"u8, 0))
            {
                token = json.Token();
            }
            else
            {
                json.Unknown();
            }
        }
        refusal = json.Refusal ?? (token is null ? TokenMissing : null);
        return refusal is null ? token : null;
    }

    /// <summary><c>{"handOverTo":"owner","fencingToken":N}</c></summary>
    public static HandOverCommand? ReadHandOver(ObjectName name, ReadOnlyMemory<byte> body, out string? refusal) =>
        (HandOverCommand?)ReadPatch(name, body, takesPermits: false, out refusal);

    /// <summary>As above, or <c>{"permits":N}</c>.</summary>
    public static Command? ReadPatch(ObjectName name, ReadOnlyMemory<byte> body, bool takesPermits, out string? refusal)
    {
        var json = new StrictObjectReader(body);
        FencingToken? token = null;
        string? to = null;
        long? permits = null;
        while (json.NextField())
        {
            if (json.Is("fencingToken"u8, 0))
            {
                token = json.Token();
            }
            else if (json.Is("handOverTo"u8, 1))
            {
                to = json.Text();
            }
            else if (takesPermits && json.Is("permits"u8, 2))
            {
                permits = json.Number(1, ApiLimits.MaxPermits);
            }
            else
            {
                json.Unknown();
            }
        }
        if (permits is { } limit)
        {
            var other = to is not null ? "handOverTo" : token is not null ? "fencingToken" : null;
            refusal = json.Refusal
                ?? (other is null ? null : $"the fields \"permits\" and \"{other}\" ask for two things: give one of them");
            return refusal is null ? new ChangePermitsCommand(name.Name, limit) : null;
        }
        if (takesPermits && json.Refusal is null && token is null && to is null)
        {
            refusal = "one of the fields \"permits\" and \"handOverTo\" is needed";
            return null;
        }
        refusal = json.Refusal ?? HoldFields.RefuseOwner(to, "handOverTo") ?? (token is null ? TokenMissing : null);
        return refusal is null ? new HandOverCommand(name.Name, token!.Value, to!) { Space = name.Space } : null;
    }
}
