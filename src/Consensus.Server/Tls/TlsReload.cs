using System.Runtime.InteropServices;
using Consensus.Security.Certificates;
using Consensus.Security.Generations;
using Consensus.Server.Hosting;
using Consensus.Server.Options;

namespace Consensus.Server.Tls;

/// <summary>
/// Has the files of the certificates looked at, every 10 s and on SIGHUP, and says what came of it: no watching of files, since a mounted
/// secret is replaced by a link and a network file system tells nobody.
/// </summary>
public sealed class TlsReload : IDisposable
{
    /// <summary>How often they are looked at.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private readonly BundleWatcher _watcher;
    private readonly TimeProvider _clock;
    private readonly OneAtATime _files;
    private ILogger? _logger;
    private ITimer? _timer;
    private PosixSignalRegistration? _signal;
    private string? _told;

    private TlsReload(BundleWatcher watcher, bool takesTls12, TimeProvider clock)
    {
        (_watcher, _clock, _files) = (watcher, clock, new OneAtATime(LookAtFiles));
        Tls = new ServerTls(watcher, takesTls12, clock) { Refusal = () => watcher.Refusal };
    }

    /// <summary>TLS of the client port, by the present certificates.</summary>
    public ServerTls Tls { get; }

    /// <summary>Told of certificates that are used from here on, on the thread that looks.</summary>
    internal Action<TlsGeneration>? Changed { get; set; }

    /// <summary>Reads the files that the options name.</summary>
    /// <param name="clock">Certificates are judged by it, and it counts when they are looked at.</param>
    /// <exception cref="BundleException">A member cannot be started with them.</exception>
    public static TlsReload Open(ServerOptions options, TimeProvider clock)
    {
        var tls = options.Tls ?? throw new ArgumentException("without certificates there is nothing to look at", nameof(options));
        var files = new BundleFiles(tls.File, options.Name)
        {
            Peer = tls.PeerFile,
            Clients = tls.ClientsFile,
            AdvertisedClient = new Uri(options.AdvertiseClient),
            DataDirectory = options.DataDirectory,
        };
        return new TlsReload(BundleWatcher.Open(files, clock), tls.TakesTls12, clock);
    }

    /// <summary>From here on they are looked at.</summary>
    public void Start(ILogger logger)
    {
        _logger = logger;
        _timer = _clock.CreateTimer(static state => ((TlsReload)state!).Look(), this, Every, Every);
        _signal = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            Look();
        });
    }

    /// <summary>
    /// Looks now. What is new goes for every handshake from here on, and for what stands. Returns at once when another thread looks, which
    /// then does it once more.
    /// </summary>
    public void Look()
    {
        // Also when nothing is new, and when the files cannot be read: what stands may stand on a certificate whose time is over.
        Tls.Look();
        _files.Run();
    }

    private void LookAtFiles()
    {
        if (_watcher.Look())
        {
            Tls.Look();
            var (number, own) = (_watcher.Current.Number, _watcher.Current.Own);
            _logger?.LogWarning(
                "certificates read anew ({Number}): {Name} of {Domain} until {Until:yyyy-MM-dd}",
                number,
                own.Name!.Name,
                own.Name.Domain,
                own.NotAfter);
            Changed?.Invoke(_watcher.Current);
        }
        var refusal = _watcher.Refusal;
        if (refusal is not null && refusal != _told)
        {
            _logger?.LogError("{Refusal}; the certificates from before go on", refusal);
        }
        _told = refusal;
        if (Tls.TakeTurnedAway() is { Count: > 0, Last: { } last } turnedAway)
        {
            _logger?.LogWarning("{Count} handshakes of clients failed by their certificates; the last: {Last}", turnedAway.Count, last);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _signal?.Dispose();
        _timer?.Dispose();
    }
}
