namespace Consensus.Benchmarks.Library;

/// <summary>Who sends the requests, and under what: all of them do the same things.</summary>
internal enum Speaker
{
    /// <summary>The generator of this program, writes that bear nothing.</summary>
    Raw,

    /// <summary>The same, each write with an <c>Idempotency-Key</c> of its own.</summary>
    RawKeyed,

    /// <summary>The same, each write with a number of a session; holds are under the session.</summary>
    RawSession,

    /// <summary>
    /// Tasks over an <see cref="System.Net.Http.HttpClient"/>, writes that bear nothing: what the library's transport alone costs.
    /// </summary>
    HttpClient,

    /// <summary>Tasks over <see cref="Consensus.Client.ConsensusClient"/>, as its users write them.</summary>
    Library,
}

internal static class SpeakerNames
{
    public static readonly IReadOnlyList<Speaker> All =
        [Speaker.Raw, Speaker.RawKeyed, Speaker.RawSession, Speaker.HttpClient, Speaker.Library];

    /// <summary>On the command line.</summary>
    public static string PartOf(Speaker speaker) => speaker switch
    {
        Speaker.Raw => "raw",
        Speaker.RawKeyed => "key",
        Speaker.RawSession => "session",
        Speaker.HttpClient => "httpclient",
        Speaker.Library => "library",
        _ => throw new ArgumentOutOfRangeException(nameof(speaker)),
    };

    /// <summary>In tables and raw results, in the place of a system's name.</summary>
    public static string NameOf(Speaker speaker) => speaker switch
    {
        Speaker.Raw => "raw",
        Speaker.RawKeyed => "raw, key",
        Speaker.RawSession => "raw, session",
        Speaker.HttpClient => "HttpClient",
        Speaker.Library => "library",
        _ => throw new ArgumentOutOfRangeException(nameof(speaker)),
    };
}
