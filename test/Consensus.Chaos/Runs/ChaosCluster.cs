using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Consensus.Chaos.Machines;

namespace Consensus.Chaos.Runs;

/// <summary>The members, the network between them, and the disk of the first place. There is one place more than members: whoever joins lives there.</summary>
internal sealed class ChaosCluster : IDisposable
{
    private static readonly string[] Always = ["--cluster-token", "chaos", "--snapshot-entries", "400", "--min-ttl", "100ms"];

    private readonly string _directory;
    private readonly List<Place> _places;
    private readonly List<Member> _everybody = [];
    private volatile Member[] _members;
    private int _isDisposed;

    public ChaosCluster(int members, string directory)
    {
        _directory = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"consensus-chaos-{Environment.ProcessId}"));
        var places = members + 1;
        Network = new Network(places);
        var ports = Network.IsCuttable ? [] : FreePorts(2 * places);
        _places = [.. Enumerable.Range(0, places).Select(slot => new Place(
            slot,
            Network.AddressOf(slot),
            Network.IsCuttable ? 7379 : ports[slot],
            Network.IsCuttable ? 7380 : ports[places + slot],
            Directory.CreateDirectory(Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"place{slot + 1}"))).FullName,
            Network.Within(slot)))];
        Disk = new SmallDisk(_places[0].Directory);
        var initial = string.Join(',', _places.Take(members).Select((place, i) => $"n{i + 1}={place.PeerAddress}"));
        _members = [.. _places.Take(members).Select(place => Make(place, "--initial-cluster", initial))];
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    public Network Network { get; }

    /// <summary>Who belongs to the cluster, or is about to join or to leave. Each call gives the present ones; the list itself does not change.</summary>
    public IReadOnlyList<Member> Members => _members;

    /// <summary>Whom clients may ask.</summary>
    public IReadOnlyList<string> Urls { get; private set; } = [];

    /// <summary>Of the first place.</summary>
    public SmallDisk Disk { get; }

    public string Kept => _directory;

    /// <summary>Set before disposing, so that data and logs stay for whoever looks into a failure.</summary>
    public bool KeepsFiles { get; set; }

    /// <summary>A new process, started to join, in the place that is free. One at a time.</summary>
    public Member StartJoiner()
    {
        var place = _places.Find(p => _members.All(m => m.Slot != p.Slot))!;
        foreach (var left in Directory.GetDirectories(place.Directory))
        {
            Directory.Delete(left, recursive: true);
        }
        var joiner = Make(place, "--join", string.Join(',', _members.Select(m => m.PeerAddress)));
        _members = [.. _members, joiner];
        joiner.Start();
        return joiner;
    }

    /// <summary>Its place is free; its data stays there until the place is used again.</summary>
    public void Leave(Member member)
    {
        member.End(withData: false);
        _members = [.. _members.Where(m => m != member)];
        UpdateUrls();
    }

    public void UpdateUrls() => Urls = [.. _members.Select(m => m.Url)];

    public void Heal()
    {
        Network.Heal();
        Disk.Empty();
        foreach (var member in _members)
        {
            member.Thaw();
            member.Start();
        }
    }

    /// <summary>Also at the end of the process, so that nothing is left on the machine when a run is interrupted.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 1)
        {
            return;
        }
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        foreach (var member in _everybody.ToList())
        {
            member.End(withData: false);
            if (KeepsFiles)
            {
                File.WriteAllText(Path.Combine(_directory, member.Name + ".log"), member.Output);
            }
        }
        Network.Dispose();
        if (!KeepsFiles)
        {
            Disk.Dispose();
            Directory.Delete(_directory, recursive: true);
        }
    }

    private void OnExit(object? sender, EventArgs e) => Dispose();

    private Member Make(Place place, string how, string others)
    {
        var member = new Member(
            string.Create(CultureInfo.InvariantCulture, $"n{_everybody.Count + 1}"),
            place,
            [.. Always, .. Network.IsCuttable ? ["--insecure"] : Array.Empty<string>()],
            [how, others]);
        _everybody.Add(member);
        return member;
    }

    private static int[] FreePorts(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToList();
        sockets.ForEach(s => s.Bind(new IPEndPoint(IPAddress.Loopback, 0)));
        int[] ports = [.. sockets.Select(s => ((IPEndPoint)s.LocalEndPoint!).Port)];
        sockets.ForEach(s => s.Dispose());
        return ports;
    }
}
