using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using Consensus.Api;
using Consensus.Client.Transport;
using Consensus.Security.Certificates;

namespace Consensus.Client.Tls;

/// <summary>
/// Secures connections to an endpoint, and says in a sentence why one could not be. In TLS 1.3 a client is done before the server has
/// looked at its certificate, and a server may close without a word then: what is sent first is lost, and whoever sent it does not know
/// with what effect. So who shows a certificate asks something first that has none, and whose answer says that it was taken.
/// </summary>
/// <param name="hasToken">
/// Who shows no certificate is known by its requests: what is asked before those would be a stranger's, whose connection is ended.
/// </param>
/// <param name="now">The wall clock's time, by which certificates are judged.</param>
/// <param name="isSecond">
/// A connection before it was closed right after its handshake: once that may be a server that ends, twice it is one that does not want
/// this client.
/// </param>
internal readonly struct TlsHandshake(Uri endpoint, TlsIdentity identity, bool hasToken, DateTimeOffset now, bool isSecond)
{
    /// <summary>A record of a handshake, or an alert (RFC 8446 §5.1): what a TLS server says first.</summary>
    private const int Handshake = 22;

    private const int Alert = 21;

    /// <summary>The head of the answer to what is asked first; it has no body.</summary>
    private const int MostOfHead = 16 * 1024;

    /// <summary>On the calling thread, within the wire's deadline. Disposing of the result disposes of the wire.</summary>
    /// <exception cref="TlsException">It cannot be done.</exception>
    public SslStream Begin(WireStream wire)
    {
        var verdict = new TlsVerdict();
        var tls = new SslStream(wire);
        var isDone = false;
        try
        {
            tls.AuthenticateAsClient(identity.OptionsFor(endpoint.IdnHost, verdict, now));
            isDone = true;
            if (MustAsk)
            {
                tls.Write(Question());
                var head = new byte[MostOfHead];
                for (var count = 0; !IsWhole(head, count);)
                {
                    count += Some(tls.Read(head, count, head.Length - count));
                }
            }
            return tls;
        }
        catch (Exception error) when (IsTrouble(error))
        {
            tls.Dispose();
            throw Tell(error, verdict, wire, isDone);
        }
    }

    /// <summary>As the other.</summary>
    /// <exception cref="TlsException">It cannot be done.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<SslStream> BeginAsync(WireStream wire, CancellationToken cancellationToken)
    {
        var verdict = new TlsVerdict();
        var tls = new SslStream(wire);
        var isDone = false;
        try
        {
            await tls.AuthenticateAsClientAsync(identity.OptionsFor(endpoint.IdnHost, verdict, now),
                cancellationToken).ConfigureAwait(false);
            isDone = true;
            if (MustAsk)
            {
                await tls.WriteAsync(Question(), cancellationToken).ConfigureAwait(false);
                var head = new byte[MostOfHead];
                for (var count = 0; !IsWhole(head, count);)
                {
                    count += Some(await tls.ReadAsync(head.AsMemory(count), cancellationToken).ConfigureAwait(false));
                }
            }
            return tls;
        }
        catch (Exception error)
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            if (IsTrouble(error))
            {
                throw Tell(error, verdict, wire, isDone);
            }
            throw;
        }
    }

    private bool MustAsk => identity != TlsIdentity.OfMachine && (identity.Bundle is not null || !hasToken);

    private byte[] Question() => Encoding.ASCII.GetBytes($"HEAD {ApiRoutes.Live} HTTP/1.1\r\nHost: {endpoint.Authority}\r\n\r\n");

    private static bool IsWhole(byte[] head, int count) =>
        head.AsSpan(0, count).IndexOf("\r\n\r\n"u8) is >= 0 and var end
            ? end + 4 == count ? true : throw new InvalidDataException("it says more than it was asked for")
            : count < head.Length ? false : throw new InvalidDataException("what it says has no end");

    private static int Some(int count) => count > 0 ? count : throw new EndOfStreamException();

    private static bool IsTrouble(Exception error) =>
        error is AuthenticationException or IOException or SocketException or TimeoutException or ObjectDisposedException
            or InvalidDataException or CryptographicException;

    private static bool IsTimeout(Exception error) => error is TimeoutException
        || error is SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock }
        || (error.InnerException is { } inner && IsTimeout(inner));

    private TlsException Tell(Exception error, TlsVerdict verdict, WireStream wire, bool isDone)
    {
        var (who, whom) = (endpoint.Authority, identity.Label);
        return verdict.Refusal is { } why
                ? new TlsException(
                    $"{who} is not believed by its certificate, and nothing was sent: {why} ({whom} says whom to believe).",
                    isLasting: true, error)
            : TlsAlert.In(error) is { } alert ? new TlsException(Words(alert), isLasting: true, error)
            : wire.FirstByte is not (null or Handshake or Alert)
                ? new TlsException($"{who} does not speak https, and nothing was sent: was it started without --tls?", isLasting: true,
                    error)
            : error is AuthenticationException
                ? new TlsException(
                    $"{who} and this program do not agree on TLS, and nothing was sent: {error.InnerException?.Message ?? error.Message}",
                    isLasting: true, error)
            : error is InvalidDataException
                ? new TlsException($"{who} does not answer as a Consensus member does: {error.Message}.", isLasting: true, error)
            : IsTimeout(error) ? new TlsException($"{who} did not end the TLS handshake in time.", isLasting: false, error)
            : !isDone ? new TlsException($"{who} closed the connection during the TLS handshake.", isLasting: false, error)
            : new TlsException(Unwanted(), isLasting: isSecond, error) { IsUnwanted = true };
    }

    /// <summary>The server heard who this is, and closed.</summary>
    private string Unwanted()
    {
        var (who, file) = (endpoint.Authority, identity.Label);
        return identity.Bundle is null
            ? $"{who} closed the connection after the TLS handshake, as who demands a client certificate does: there is none in {file}."
            : OwnTrouble() is { } own ? $"{who} refuses this client: {own}."
            : $"{who} closed the connection after the TLS handshake, as who refuses a client does: {file} may be of a CA that is not known "
                + "there, or revoked.";
    }

    private string Words(int alert)
    {
        var (who, file) = (endpoint.Authority, identity.Label);
        return alert == TlsAlert.CertificateRequired
            || (identity.Bundle is null && alert is >= TlsAlert.BadCertificate and <= TlsAlert.AccessDenied)
                ? $"{who} demands a client certificate, and there is none in {file}."
            : alert is TlsAlert.ProtocolVersion or TlsAlert.HandshakeFailure
                ? $"{who} and this program do not agree on TLS: it ended the handshake (alert {alert})."
            : OwnTrouble() is { } own ? $"{who} refuses this client: {own}."
            : alert == TlsAlert.UnknownCa ? $"{who} refuses the certificate in {file}: it is of a CA that is not known there."
            : alert == TlsAlert.CertificateRevoked ? $"{who} refuses the certificate in {file}: it was revoked."
            : $"{who} refuses the certificate in {file} (TLS alert {alert}).";
    }

    private static string NameOf(Bundle bundle) => bundle.Name?.Name ?? "NAME";

    /// <summary>What is wrong with the client's own certificate by this machine's clock; null: nothing.</summary>
    private string? OwnTrouble() => identity.Bundle is not { } bundle ? null
        : bundle.NotAfter < now
            ? $"the certificate in {identity.Label} expired on {bundle.NotAfter:yyyy-MM-dd}: consensusctl cert renew {NameOf(bundle)}"
        : bundle.NotBefore > now ? $"the certificate in {identity.Label} is not valid before {bundle.NotBefore:yyyy-MM-dd HH:mm} UTC"
        : null;
}
