namespace Consensus.Client.Tls;

/// <summary>The alerts with which a server ends a handshake (RFC 8446 §6.2).</summary>
internal static class TlsAlert
{
    public const int HandshakeFailure = 40;
    public const int BadCertificate = 42;
    public const int CertificateRevoked = 44;
    public const int UnknownCa = 48;
    public const int AccessDenied = 49;
    public const int ProtocolVersion = 70;
    public const int CertificateRequired = 116;

    /// <summary>
    /// OpenSSL's number of an alert that came: its library, and in the lower 23 bits 1,000 and the alert (openssl/err.h,
    /// openssl/sslerr.h).
    /// </summary>
    private const int FirstReason = 1_000;

    private const int ReasonMask = 0x7F_FFFF;
    private const int LibraryShift = 23;
    private const int SslLibrary = 20;

    /// <summary>The alert behind a failure; null: none came.</summary>
    public static int? In(Exception? failure)
    {
        for (var error = failure; error is not null; error = error.InnerException)
        {
            if (error.HResult >> LibraryShift == SslLibrary
                && (error.HResult & ReasonMask) - FirstReason is > 0 and <= byte.MaxValue and var alert)
            {
                return alert;
            }
        }
        return null;
    }
}
