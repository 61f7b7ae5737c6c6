using Consensus.Client.Tls;
using Consensus.Client.Transport;
using Consensus.Security.Certificates;
using Microsoft.Extensions.Logging;

namespace Consensus.Client;

/// <summary>
/// With what a client speaks https: who it is, and whom it believes. One file says both, as <c>consensusctl cert create</c> makes it.
/// Members are believed by the name in their certificate, <c>consensus://DOMAIN/member/…</c> of the file's own domain, whatever their
/// address; where the file names no domain, by the host that was asked. One object may serve any number of clients. Thread-safe.
/// </summary>
public sealed class ClientTls
{
    private readonly FileContent<TlsIdentity> _content;

    /// <summary>
    /// Reads the file. It is read again when a connection is made and a minute has passed, and when a member answers 401; what cannot be
    /// used then changes nothing, and is logged.
    /// </summary>
    /// <param name="bundleFile">
    /// PEM: private key, certificate, and the CAs to be believed (every self-signed certificate in it); or a directory with
    /// <c>tls.crt</c>, <c>tls.key</c> and <c>ca.crt</c>. A file with CAs alone makes a client that shows no certificate.
    /// </param>
    /// <exception cref="ArgumentException">It cannot be used; the inner exception's message is the sentence that says why.</exception>
    public ClientTls(string bundleFile)
        : this(bundleFile, bundleFile)
    {
    }

    /// <param name="label">What a sentence calls the file.</param>
    /// <param name="read">Null: <see cref="TlsIdentity.Read"/>.</param>
    internal ClientTls(string bundleFile, string label, Func<string, string, TlsIdentity>? read = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(bundleFile);
        BundleFile = bundleFile;
        read ??= TlsIdentity.Read;
        try
        {
            _content = new FileContent<TlsIdentity>(
                read(bundleFile, label),
                () => read(bundleFile, label),
                static (found, before) => found.IsSameAs(before));
        }
        catch (BundleException error)
        {
            throw new ArgumentException(error.Message, nameof(bundleFile), error);
        }
    }

    /// <summary>The file, as it was given.</summary>
    public string BundleFile { get; }

    /// <summary>What a new connection is made with.</summary>
    internal TlsIdentity Current(TimeProvider clock, ILogger? logger) => _content.Current(clock, logger);

    /// <summary>A member did not take this identity. Whether there is another one by now.</summary>
    internal bool IsReplaced(TlsIdentity refused, TimeProvider clock, ILogger? logger) => _content.IsReplaced(refused, clock, logger);
}
