using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;

namespace Consensus.Cli.Commands;

/// <summary>What was found at an address.</summary>
/// <param name="Presented">What was presented; null if nothing was.</param>
/// <param name="Failure">Why nothing was, as a sentence without its stop.</param>
/// <param name="WasReached">Whether somebody took the connection.</param>
internal sealed record ProbeResult(CertificateReport? Presented, string Failure, bool WasReached);

/// <summary>
/// Asks who answers at an address for his certificate, by a TLS handshake. Nobody is believed, so nothing is presented and not a byte is
/// sent after it; and what the certificate names as addresses is not asked either.
/// </summary>
internal static class CertProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <param name="address">What a sentence calls it.</param>
    public static ProbeResult Look(string address, string host, int port, DateTimeOffset now) =>
        LookAsync(address, host, port, now).GetAwaiter().GetResult();

    private static async Task<ProbeResult> LookAsync(string address, string host, int port, DateTimeOffset now)
    {
        using var ending = new CancellationTokenSource(Patience);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(host, port, ending.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return new ProbeResult(null, $"nobody answers at {address} ({Cause(e)})", WasReached: false);
        }
        X509Certificate2? leaf = null;
        List<X509Certificate2> others = [];
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            CertificateChainPolicy = CertificateJudge.PolicyFor([], null, CertificateUse.Server, now),
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                leaf = certificate is null ? null : X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
                others = [.. (chain?.ChainPolicy.ExtraStore ?? []).Select(other => X509CertificateLoader.LoadCertificate(other.RawData))];
                return true;
            },
        };
        var failure = "it presented no certificate";
        await using var stream = new SslStream(client.GetStream());
        try
        {
            await stream.AuthenticateAsClientAsync(options, ending.Token);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or CryptographicException)
        {
            failure = Cause(e);
        }
        // Who demands a certificate of us has presented his own before he refuses.
        if (leaf is null)
        {
            return new ProbeResult(null, $"{address} does not speak TLS as it should ({failure})", WasReached: true);
        }
        var came = others.Where(other => !other.RawDataMemory.Span.SequenceEqual(leaf.RawDataMemory.Span));
        return new ProbeResult(CertificateReport.OfPresented(leaf, came, host, now), "", WasReached: true);
    }

    private static string Cause(Exception e) =>
        e is OperationCanceledException ? "no answer in 5 s" : (e.InnerException ?? e).Message.TrimEnd('.');
}
