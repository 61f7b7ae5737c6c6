using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Consensus.Security.Certificates;
using Consensus.Server.Hosting;

namespace Consensus.Server.WebTokens;

/// <summary>
/// Keeps the present judge of JSON Web Tokens, and puts another in its place when the file of issuers, or a key set that it names, has
/// another content: looked at every 10 s and on SIGHUP, as certificates are. A new content is checked whole before it is used; one that is
/// refused changes nothing. Thread-safe.
/// </summary>
public sealed class WebTokenReload : IDisposable
{
    /// <summary>How often the files are looked at.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private readonly string _file;
    private readonly TimeProvider _clock;
    private readonly OneAtATime _files;
    private string[] _paths;
    private byte[] _digest;
    private volatile Generation _current;
    private volatile string? _refusal;
    private ILogger? _logger;
    private ITimer? _timer;
    private PosixSignalRegistration? _signal;
    private string? _told;

    private WebTokenReload(string file, TimeProvider clock)
    {
        (_file, _clock, _files) = (file, clock, new OneAtATime(LookAtFiles));
        var (judge, reading) = Load();
        (_current, _paths, _digest) = (new Generation(1, judge), reading.Paths, reading.Digest());
    }

    /// <param name="Number">Rises by one with each.</param>
    private sealed record Generation(long Number, WebTokenJudge Judge);

    /// <summary>Whoever keeps what it said keeps the judge beside it, and asks again when the present one is another.</summary>
    internal WebTokenJudge Judge => _current.Judge;

    /// <summary>1 at the start, one more with each content that was put in place.</summary>
    internal long Number => _current.Number;

    /// <summary>Why what the files hold now is not used, as a sentence without its stop; null while it is.</summary>
    internal string? Refusal => _refusal;

    /// <summary>Told that another judge is there, on the thread that looks.</summary>
    internal Action? Changed { get; set; }

    private string Label => $"--jwt {_file}";

    /// <summary>Reads the files for the first time.</summary>
    /// <param name="file">The JSON list of issuers (<c>--jwt</c>).</param>
    /// <param name="clock">Counts when they are looked at.</param>
    /// <returns>What looks at them from <see cref="Start"/> on.</returns>
    internal static WebTokenReload Open(string file, TimeProvider clock) => new(file, clock);

    /// <summary>From here on the files are looked at.</summary>
    internal void Start(ILogger logger)
    {
        _logger = logger;
        _timer = _clock.CreateTimer(static state => ((WebTokenReload)state!).Look(), this, Every, Every);
        _signal = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            Look();
        });
    }

    /// <summary>Looks now. Returns at once when another thread looks, which then does it once more.</summary>
    internal void Look() => _files.Run();

    /// <inheritdoc/>
    public void Dispose()
    {
        _signal?.Dispose();
        _timer?.Dispose();
    }

    private void LookAtFiles()
    {
        try
        {
            if (!IsAsBefore())
            {
                var (judge, reading) = Load();
                _current = new Generation(_current.Number + 1, judge);
                (_paths, _digest) = (reading.Paths, reading.Digest());
                _logger?.LogWarning(
                    "{File} read anew ({Number}): {Issuers}", Label, _current.Number, string.Join(", ", judge.Issuers.Select(Said)));
                Changed?.Invoke();
            }
            _refusal = null;
        }
        catch (WebTokenException refusal)
        {
            _refusal = refusal.Message;
            if (refusal.Message != _told)
            {
                _logger?.LogError("{Refusal}; the issuers and keys from before go on", refusal.Message);
            }
        }
        _told = _refusal;
    }

    private static string Said(WebTokenIssuer issuer) => $"{issuer.Name} with {issuer.Keys.Count} keys";

    /// <summary>
    /// Whether each file holds what it held. What is checked is read once more, and its digest is of that reading: no file changes between.
    /// One that cannot be read any more may be a key set that the issuers do not name any more: whether that is a fault, <see cref="Load"/>
    /// says.
    /// </summary>
    private bool IsAsBefore()
    {
        try
        {
            var reading = new Reading(this);
            foreach (var path in _paths)
            {
                reading.Read(path, WebTokenFiles.MostBytes);
            }
            return reading.Digest().AsSpan().SequenceEqual(_digest);
        }
        catch (WebTokenException)
        {
            return false;
        }
    }

    private (WebTokenJudge Judge, Reading Reading) Load()
    {
        var reading = new Reading(this);
        return (new WebTokenJudge(WebTokenFiles.Load(_file, Label, reading.Read)), reading);
    }

    /// <summary>One reading of the files, in their order: 17 of 1 MiB at most, of which digests are kept.</summary>
    private sealed class Reading(WebTokenReload owner)
    {
        private readonly List<(string Path, byte[] Digest)> _read = [];

        public string[] Paths => [.. _read.Select(static read => read.Path)];

        public byte[] Read(string path, int most)
        {
            try
            {
                var bytes = SharedFile.Read(path, path == owner._file ? owner.Label : $"{owner.Label}: {path}");
                _read.Add((path, SHA256.HashData(bytes)));
                return bytes;
            }
            catch (BundleException refusal)
            {
                throw new WebTokenException(refusal.Message, refusal);
            }
        }

        public byte[] Digest() => SHA256.HashData(_read.SelectMany(static read => read.Digest).ToArray());
    }
}
