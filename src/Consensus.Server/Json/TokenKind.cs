namespace Consensus.Server.Json;

/// <summary>What stands next in a request's body, in whichever form it came.</summary>
internal enum TokenKind
{
    None,
    Null,
    True,
    False,
    Number,
    Text,

    /// <summary>Of MessagePack only: JSON has them as text or in base64.</summary>
    Bytes,
    BeginObject,
    EndObject,
    BeginArray,
    EndArray,
    Name,
}
