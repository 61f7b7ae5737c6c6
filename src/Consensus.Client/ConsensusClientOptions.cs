using System.Net;
using Consensus.Api;
using Microsoft.Extensions.Logging;

namespace Consensus.Client;

/// <summary>How a client reaches its cluster.</summary>
public sealed record ConsensusClientOptions
{
    /// <summary>Where a member serves clients when nothing else is said.</summary>
    public static readonly Uri DefaultEndpoint = new(ApiRoutes.DefaultClientUrl);

    private static readonly IReadOnlyList<Uri> Default = [DefaultEndpoint];
    private static readonly IReadOnlyList<Uri> DefaultOverTls = [new UriBuilder(DefaultEndpoint) { Scheme = Uri.UriSchemeHttps }.Uri];

    /// <summary>
    /// Client addresses of members, at least one; no more than scheme, host and port. The first that answers serves, and stays the first
    /// choice. Unless given it is the <see cref="DefaultEndpoint"/>, over https where there is <see cref="Tls"/>.
    /// </summary>
    public IReadOnlyList<Uri> Endpoints
    {
        get => field ?? (Tls is null ? Default : DefaultOverTls);
        init;
    }

    /// <summary>
    /// With what https is spoken; then nothing is sent in the clear, and an http endpoint is refused. Null: an https endpoint is believed
    /// for its host by the CAs of this machine, and shown no certificate.
    /// </summary>
    public ClientTls? Tls { get; init; }

    /// <summary>
    /// The token that says who this client is; it goes over https or to this machine, and any other endpoint is refused. Beside a
    /// certificate in <see cref="Tls"/> both have to name the same principal. Null: none is sent.
    /// </summary>
    public ClientToken? Token { get; init; }

    /// <summary>
    /// How long one request may go unanswered, beyond the wait that it asked for. Longer than the 5 s after which a member itself
    /// answers 504, so that its own word is heard.
    /// </summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>
    /// How long one request waits in line at most: a longer wait is asked for in slices of this, and keeps its place between them. So long a
    /// frozen member or a broken connection can go unnoticed, and so long a proxy must let a request take. Up to 10 minutes.
    /// </summary>
    public TimeSpan WaitSlice { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a TCP connect may take, with the TLS handshake of one over https.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long after its first send an operation is still sent again (no leader, outcome unknown). Counted from the end of the wait
    /// that a request asked for.
    /// </summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>As <see cref="RetryFor"/>, for when no endpoint accepts a connection: nobody is there, so say so soon.</summary>
    public TimeSpan RetryUnreachableFor { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>As whom it holds and waits unless options say otherwise: 1 to 256 bytes.</summary>
    public string ClientName { get; init; } = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>
    /// How long the client's session outlives the client. Holds whose own TTL is this long are under it, and one small renewal keeps them
    /// all; others have a lease of their own. Null: the client has no session.
    /// </summary>
    public TimeSpan? SessionTtl { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The clock of retries and of holds. Its timestamps must go on while the machine sleeps, as the default's do on Linux and Windows.</summary>
    public TimeProvider TimeProvider { get; init; } = BootTimeProvider.Instance;

    /// <summary>Is told of handles that nothing refers to any more though they were not disposed of; null: nobody is.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>
    /// After how long, beyond the wait that it asked for, an operation ends in any case: what is under way then is cut off, and its outcome unknown if it was a write. Null: an attempt
    /// that began within <see cref="RetryFor"/> has its whole <see cref="AttemptTimeout"/>.
    /// </summary>
    internal TimeSpan? SettlesWithin { get; init; }

    /// <summary>
    /// The admin socket of a member on this machine, over which the endpoint is asked instead of by its address; null: there is none.
    /// </summary>
    internal string? SocketPath { get; init; }

    /// <summary>The addresses of a host. May block for as long as it likes: nobody waits for it beyond the deadline of a request.</summary>
    internal Func<string, IPAddress[]> ResolveName { get; init; } = Dns.GetHostAddresses;

    /// <summary>
    /// For how long beyond the time-out of an acquire its answer is still waited for; null: for as long as a request is sent again.
    /// </summary>
    internal TimeSpan? AnswerGrace { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long the end of a client waits until what it had been asking for is taken back.</summary>
    internal TimeSpan LastPatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// True where the caller has nothing else to do until it has the answer and soon ends: what can be is then asked on the calling thread, which blocks. Nothing of
    /// <see cref="HttpClient"/> is loaded for it, which takes a program longer to start than the rest.
    /// </summary>
    internal bool SendsOnCallingThread { get; init; }

    /// <exception cref="ArgumentException">
    /// There is no endpoint, or one is no scheme, host and port alone or would be asked in the clear, or a slice of a wait is not 1 ms to
    /// 10 minutes.
    /// </exception>
    internal ConsensusClientOptions Checked(string parameter)
    {
        if (Endpoints.Count == 0)
        {
            throw new ArgumentException("At least one endpoint is needed.", parameter);
        }
        foreach (var endpoint in Endpoints)
        {
            if (MemberUrl.WhyNot(endpoint) is { } reason)
            {
                throw new ArgumentException($"The endpoint {endpoint} cannot be used: {reason}.", parameter);
            }
            if (Tls is not null && endpoint.Scheme != Uri.UriSchemeHttps)
            {
                var why = $"with {nameof(Tls)} nothing is sent in the clear; write https://{endpoint.Authority}";
                throw new ArgumentException($"The endpoint {endpoint} cannot be used: {why}.", parameter);
            }
            if (Token is not null && !ClientToken.MayGoTo(endpoint))
            {
                var why = $"a token goes over https, or to this machine, and nowhere in the clear; write https://{endpoint.Authority}";
                throw new ArgumentException($"The endpoint {endpoint} cannot be used: {why}.", parameter);
            }
        }
        return WaitSlice >= TimeSpan.FromMilliseconds(1) && WaitSlice <= TimeSpan.FromMicroseconds(ApiLimits.MaxWaitMicros)
            ? this
            : throw new ArgumentException($"A {nameof(WaitSlice)} is 1 ms to 10 minutes.", parameter);
    }
}
