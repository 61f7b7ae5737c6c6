namespace Consensus.Api;

/// <summary>
/// The two forms that every document of the API has: a request's body may come in either, and <c>Accept</c> says in which an answer is
/// wanted. And what is no document.
/// </summary>
public static class ApiMediaTypes
{
    public const string Json = "application/json";

    /// <summary>
    /// The same members by the same names, and bytes as bytes: what is <c>valueBase64</c> in JSON is <c>value</c>, as <c>bin</c>.
    /// </summary>
    public const string MessagePack = "application/msgpack";

    /// <summary>A watch: messages as they come (WHATWG HTML §9.2).</summary>
    public const string EventStream = "text/event-stream";

    /// <summary>A value of a key by itself, and a backup.</summary>
    public const string Bytes = "application/octet-stream";

    /// <summary>
    /// What the name of a member ends with whose bytes JSON can only carry as a text. MessagePack has the member without that ending.
    /// </summary>
    public const string Base64Suffix = "Base64";
}
