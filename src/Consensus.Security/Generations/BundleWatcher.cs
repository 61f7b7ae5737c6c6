using System.Security.Cryptography;
using System.Text;
using Consensus.Security.Certificates;

namespace Consensus.Security.Generations;

/// <summary>
/// Keeps the present generation, and makes the next when the files have another content. It has no thread and no timer: whoever owns it
/// looks, at intervals and when told to. Content is compared, not times, for a link that is set to another directory changes no time, and
/// what is checked is what was read, so that no file changes in between.
/// </summary>
public sealed class BundleWatcher : ITlsSource
{
    private readonly Lock _looking = new();
    private readonly BundleFiles _files;
    private byte[] _digest;
    private volatile TlsGeneration _current;
    private volatile string? _refusal;

    private BundleWatcher(BundleFiles files, TimeProvider time, Texts first)
    {
        _files = files;
        Time = time;
        _digest = first.Digest();
        _current = Checked(first, 1);
    }

    /// <summary>
    /// A new generation has become the current one. Told on the thread that looks and before it looks again: who is told is brief, and
    /// does not look himself.
    /// </summary>
    public event Action<TlsGeneration>? Changed;

    /// <inheritdoc/>
    public TlsGeneration Current => _current;

    /// <inheritdoc/>
    public TimeProvider Time { get; }

    /// <inheritdoc/>
    public MemberCertificates Members { get; } = new();

    /// <summary>
    /// Why what the files hold now is not used, as a sentence without its stop; null while the current generation is what they hold.
    /// </summary>
    public string? Refusal => _refusal;

    /// <summary>Reads the files for the first time.</summary>
    /// <exception cref="BundleException">A member cannot be started with them.</exception>
    public static BundleWatcher Open(BundleFiles files, TimeProvider time) => new(files, time, Texts.Read(files));

    /// <summary>
    /// Reads the files. Another content is checked whole and then takes the place of the current; one that is refused changes nothing but
    /// <see cref="Refusal"/>. Any thread may; one looks at a time. Idempotent.
    /// </summary>
    /// <returns>Whether there is a new generation.</returns>
    public bool Look()
    {
        lock (_looking)
        {
            try
            {
                var texts = Texts.Read(_files);
                var digest = texts.Digest();
                if (!digest.AsSpan().SequenceEqual(_digest))
                {
                    _current = Checked(texts, _current.Number + 1);
                    _digest = digest;
                    _refusal = null;
                    Changed?.Invoke(_current);
                    return true;
                }
                _refusal = null;
            }
            catch (BundleException refusal)
            {
                _refusal = refusal.Message;
            }
            return false;
        }
    }

    private TlsGeneration Checked(Texts texts, long number)
    {
        var now = Time.GetUtcNow();
        var own = Bundle.Read(texts.Own, _files.Own, Texts.OwnLabel(_files));
        MemberBundle.Demand(own, Texts.OwnLabel(_files), _files.MemberName, now);
        if (_files.AdvertisedClient is { } address)
        {
            MemberBundle.DemandHost(own, $"--advertise-client {address.OriginalString}", address.Host);
        }
        var peer = own;
        if (texts.Peer is { } text)
        {
            var label = Texts.PeerLabel(_files);
            peer = Bundle.Read(text, _files.Peer!, label);
            MemberBundle.Demand(peer, label, _files.MemberName, now);
            if (peer.Name!.Domain != own.Name!.Domain)
            {
                throw new BundleException($"{label} is of the domain {peer.Name.Domain}, and --tls {_files.Own} of {own.Name.Domain}");
            }
        }
        var clients = texts.Clients is { } anchors ? Bundle.ReadAnchors(anchors, Texts.ClientsLabel(_files)) : [];
        return new TlsGeneration(number, own, peer, clients);
    }

    /// <summary>What the files hold, read once.</summary>
    private sealed record Texts(string Own, string? Peer, string? Clients)
    {
        public static string OwnLabel(BundleFiles files) => $"--tls {files.Own}";

        public static string PeerLabel(BundleFiles files) => $"--peer-tls {files.Peer}";

        public static string ClientsLabel(BundleFiles files) => $"--tls-clients {files.Clients}";

        public static Texts Read(BundleFiles files) => new(
            BundleText.OfBundle(files.Own, OwnLabel(files), files.DataDirectory),
            files.Peer is { } peer ? BundleText.OfBundle(peer, PeerLabel(files), files.DataDirectory) : null,
            files.Clients is { } clients ? BundleText.OfAnchors(clients, ClientsLabel(files)) : null);

        // A digest, so that no second copy of the keys lies in memory.
        public byte[] Digest()
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var text in new[] { Own, Peer, Clients })
            {
                hash.AppendData(SHA256.HashData(Encoding.Latin1.GetBytes(text ?? "")));
            }
            return hash.GetHashAndReset();
        }
    }
}
