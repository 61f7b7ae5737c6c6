using System.Net;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Generations;
using Consensus.StateMachine.Policies;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Consensus.Server.Tls;

/// <summary>
/// What a client presented when its TLS connection began, and who that makes it now. A feature of the connection, so that its requests find
/// it. Thread-safe: HTTP/2 has many of them at a time.
/// </summary>
internal sealed class CallerConnection : IDisposable
{
    /// <summary>
    /// Its holder is to show the certificate that it has by now. What its keys may be used for is <see cref="KeyUse"/>'s to count.
    /// </summary>
    public static readonly TimeSpan LongestLife = TimeSpan.FromHours(24);

    private readonly ITlsSource _source;
    private readonly SeenIntermediates _intermediates;
    private readonly TimeProvider _clock;
    private readonly ConnectionContext _connection;
    private readonly long _began;
    private readonly Lock _gate = new();

    /// <summary>What came with the leaf, to judge it anew.</summary>
    private readonly X509Certificate2Collection _others = [];

    /// <summary>Requests that stand: waits and streams.</summary>
    private readonly HashSet<HttpContext> _standing = [];

    private X509Certificate2? _leaf;
    private readonly RevokedCertificates _revoked;
    private volatile CallerVerdict _verdict;
    private volatile Telling _told;
    private ITimer? _silence;

    /// <param name="intermediates">Of all connections.</param>
    /// <param name="revoked">Whichever certificates are not believed any more.</param>
    /// <param name="clock">Counts how long the connection lives; certificates are judged by the source's.</param>
    public CallerConnection(
        ITlsSource source, SeenIntermediates intermediates, RevokedCertificates revoked, TimeProvider clock, ConnectionContext connection)
    {
        (_source, _intermediates, _revoked, _clock, _connection) = (source, intermediates, revoked, clock, connection);
        _began = clock.GetTimestamp();
        _verdict = CallerJudge.Judge(source.Current, null, null, default);
        _told = new Telling(_verdict, null, _verdict);
    }

    /// <summary>What is told of a verdict under one policy, which may have revoked the certificate.</summary>
    private sealed record Telling(CallerVerdict Verdict, Policy? Policy, CallerVerdict Told);

    /// <summary>Of the request's connection; null without TLS.</summary>
    public static CallerConnection? Of(HttpContext http) => http.Features.Get<CallerConnection>();

    /// <summary>What its keys were used for.</summary>
    public required KeyUse KeyUse { get; init; }

    /// <summary>Whether somebody asks here, as far as was judged last.</summary>
    public bool IsKnown => _told.Told.Actor is not null;

    /// <summary>Whether a certificate was shown that was believed.</summary>
    public bool HasCertificate => _leaf is not null;

    /// <summary>Why it is nobody, and from where it came.</summary>
    public string Refusal => $"{_told.Told.Refusal} (from {_connection.RemoteEndPoint})";

    /// <summary>Of the other end; null where it has none.</summary>
    public IPAddress? Address => (_connection.RemoteEndPoint as IPEndPoint)?.Address;

    /// <summary>
    /// Cuts the connection off unless somebody has asked for something within this time: who is silent costs a place that others want.
    /// </summary>
    public void EndUnlessAsked(TimeSpan within) =>
        _silence = _clock.CreateTimer(static state => ((CallerConnection)state!).CutOff(), this, within, Timeout.InfiniteTimeSpan);

    /// <summary>In the handshake: a certificate came. What it holds belongs to the handshake, so that copies are kept.</summary>
    /// <returns>Whether the handshake may go on.</returns>
    public bool Takes(TlsGeneration generation, X509Certificate2 presented, X509Certificate2Collection? others)
    {
        if (others is not { Count: > 0 })
        {
            others = _intermediates.Above(presented);
        }
        var verdict = CallerJudge.Judge(generation, presented, others, _source.Time.GetUtcNow());
        if (verdict.IsBelieved)
        {
            _intermediates.Add(others);
            _leaf = X509CertificateLoader.LoadCertificate(presented.RawDataMemory.Span);
            foreach (var other in others)
            {
                _others.Add(X509CertificateLoader.LoadCertificate(other.RawDataMemory.Span));
            }
        }
        _verdict = verdict;
        return Tell(verdict).IsBelieved;
    }

    /// <summary>Who asks at this moment. Costs a comparison while nothing has changed.</summary>
    public CallerVerdict Who()
    {
        var verdict = _verdict;
        var holds = ReferenceEquals(verdict.Generation, _source.Current) && _source.Time.GetUtcNow() < verdict.Until;
        return Tell(holds ? verdict : JudgeAgain());
    }

    private CallerVerdict Tell(CallerVerdict verdict)
    {
        var (told, policy) = (_told, _revoked.Policy);
        if (!ReferenceEquals(told.Verdict, verdict) || !ReferenceEquals(told.Policy, policy))
        {
            _told = told = new Telling(verdict, policy, RevokedCertificates.Judge(policy, verdict));
        }
        return told.Told;
    }

    /// <summary>A request was taken from somebody.</summary>
    public void Asked()
    {
        if (_silence is { } silence)
        {
            silence.Dispose();
            _silence = null;
        }
        if (KeyUse.IsMuch || _clock.GetElapsedTime(_began) >= LongestLife)
        {
            EndGracefully();
        }
    }

    /// <summary>What is under way is answered, and nothing more is taken.</summary>
    public void EndGracefully() => _connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();

    /// <summary>The request waits, or is a stream: it may outlive what makes its caller somebody.</summary>
    public void Begin(HttpContext http)
    {
        lock (_gate)
        {
            _standing.Add(http);
            // What was put in place since it was let in has been looked at without it.
            EndStandingOfNobody();
        }
    }

    public void End(HttpContext http)
    {
        lock (_gate)
        {
            // The context is another request's after this.
            _standing.Remove(http);
        }
    }

    /// <summary>Ends what stands when its caller is nobody any more.</summary>
    public void Look()
    {
        lock (_gate)
        {
            EndStandingOfNobody();
        }
    }

    /// <summary>The connection is over.</summary>
    public void Dispose()
    {
        _silence?.Dispose();
        lock (_gate)
        {
            _leaf?.Dispose();
            _leaf = null;
            foreach (var other in _others)
            {
                other.Dispose();
            }
            _others.Clear();
        }
    }

    private void EndStandingOfNobody()
    {
        // Without a certificate each stands on a token of its own, and falls with that.
        if (_standing.Count == 0 || _leaf is null || Who().Actor is not null)
        {
            return;
        }
        foreach (var http in _standing)
        {
            http.Abort();
        }
    }

    private CallerVerdict JudgeAgain()
    {
        lock (_gate)
        {
            return _verdict = CallerJudge.Judge(_source.Current, _leaf, _others, _source.Time.GetUtcNow());
        }
    }

    private void CutOff() => _connection.Abort(new ConnectionAbortedException("nobody asked for anything"));
}
