using Consensus.Client.Tls;
using Consensus.Security.Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Consensus.Client;

/// <summary>
/// With what a client speaks https: who it is, and whom it believes. One file says both, as <c>consensusctl cert create</c> makes it.
/// Members are believed by the name in their certificate, <c>consensus://DOMAIN/member/…</c> of the file's own domain, whatever their
/// address; where the file names no domain, by the host that was asked. One object may serve any number of clients. Thread-safe.
/// </summary>
public sealed partial class ClientTls
{
    /// <summary>So old the file's content may be when a connection is made.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(60);

    /// <summary>So long a request waits for another one that reads the file: it may be on a disk that hangs.</summary>
    private static readonly TimeSpan LookPatience = TimeSpan.FromSeconds(1);

    private readonly string _label;
    private readonly Func<string, string, TlsIdentity> _read;
    private readonly Lock _gate = new();
    private volatile TlsIdentity _current;
    private TimeProvider? _clock;
    private long _lookedAt;

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
        (BundleFile, _label, _read) = (bundleFile, label, read ?? TlsIdentity.Read);
        try
        {
            _current = _read(bundleFile, label);
        }
        catch (BundleException error)
        {
            throw new ArgumentException(error.Message, nameof(bundleFile), error);
        }
    }

    /// <summary>The file, as it was given.</summary>
    public string BundleFile { get; }

    /// <summary>What a new connection is made with.</summary>
    internal TlsIdentity Current(TimeProvider clock, ILogger? logger)
    {
        // One thread looks, and the others go on with what there is: a file may be on a disk that hangs.
        if (_gate.TryEnter())
        {
            try
            {
                if (_clock != clock)
                {
                    (_clock, _lookedAt) = (clock, clock.GetTimestamp());
                }
                if (clock.GetElapsedTime(_lookedAt) >= LookEvery)
                {
                    Look(clock, logger);
                }
            }
            finally
            {
                _gate.Exit();
            }
        }
        return _current;
    }

    /// <summary>A member did not take this identity. Whether there is another one by now.</summary>
    internal bool IsReplaced(TlsIdentity refused, TimeProvider clock, ILogger? logger)
    {
        if (_current == refused && _gate.TryEnter(LookPatience))
        {
            try
            {
                if (_current == refused)
                {
                    Look(clock, logger);
                }
            }
            finally
            {
                _gate.Exit();
            }
        }
        return _current != refused;
    }

    private void Look(TimeProvider clock, ILogger? logger)
    {
        (_clock, _lookedAt) = (clock, clock.GetTimestamp());
        try
        {
            var found = _read(BundleFile, _label);
            if (!found.IsSameAs(_current))
            {
                _current = found;
            }
        }
        catch (BundleException error)
        {
            LogRefused(logger ?? NullLogger.Instance, error.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Sentence}; what was read of it before stays in use")]
    private static partial void LogRefused(ILogger logger, string sentence);
}
