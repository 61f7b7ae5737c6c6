using System.Globalization;
using System.Net;
using Consensus.Chaos.Clients;
using Consensus.Chaos.Machines;

namespace Consensus.Chaos.Runs;

/// <summary>The members, the network between them, and the disk of the first place. There are more places than members at first: whoever joins lives there.</summary>
internal sealed class ChaosCluster : IDisposable
{
    /// <summary>So the cluster may be larger by one than at first, and still one of its members be replaced by another.</summary>
    private const int PlacesToJoin = 2;

    private static readonly string[] Always = ["--cluster-token", "chaos", "--snapshot-entries", "400", "--min-ttl", "100ms"];

    private readonly string _directory;
    private readonly List<Place> _places;
    private readonly List<Front> _fronts;
    private readonly Lock _gate = new();
    private readonly List<Member> _everybody = [];
    private volatile Member[] _members;
    private volatile bool _isDisposed;

    public ChaosCluster(int members, string directory)
    {
        _directory = Leftovers.NewDirectory(directory);
        MostMembers = members + PlacesToJoin - 1;
        var places = members + PlacesToJoin;
        Network = new Network(places);
        var ports = Network.IsCuttable ? [] : FreePorts.Next(2 * places);
        _places = [.. Enumerable.Range(0, places).Select(slot => new Place(
            slot,
            Network.AddressOf(slot),
            Network.IsCuttable ? 7379 : ports[slot],
            Network.IsCuttable ? 7380 : ports[places + slot],
            Directory.CreateDirectory(Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"place{slot + 1}"))).FullName,
            Network.Within(slot)))];
        _fronts = [.. _places.Select(place => new Front(IPEndPoint.Parse(place.ClientAddress)))];
        Disk = new SmallDisk(_places[0].Directory);
        var initial = string.Join(',', _places.Take(members).Select((place, i) => $"n{i + 1}={place.PeerAddress}"));
        _members = [.. _places.Take(members).Select((place, i) => Make(string.Create(CultureInfo.InvariantCulture, $"n{i + 1}"), place, "--initial-cluster", initial))];
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    public Network Network { get; }

    /// <summary>Who belongs to the cluster, or is about to join or to leave. Each call gives the present ones; the list itself does not change.</summary>
    public IReadOnlyList<Member> Members => _members;

    /// <summary>Whom clients may ask.</summary>
    public IReadOnlyList<Door> Doors { get; private set; } = [];

    /// <summary>The same, through fronts.</summary>
    public IReadOnlyList<Door> FrontDoors { get; private set; } = [];

    /// <summary>Connections that fronts ended.</summary>
    public long ClientResets => _fronts.Sum(front => front.Resets);

    /// <summary>Of the first place.</summary>
    public SmallDisk Disk { get; }

    public string Kept => _directory;

    /// <summary>Set before disposing, so that data and logs stay for whoever looks into a failure.</summary>
    public bool KeepsFiles { get; set; }

    /// <summary>How many may belong to it while one of them is replaced.</summary>
    public int MostMembers { get; }

    /// <summary>It was taken down, perhaps by the end of the process in the middle of a run.</summary>
    public bool IsDisposed => _isDisposed;

    /// <summary>A new process, started to join, in a place that is free. One at a time.</summary>
    /// <param name="former">Whose name and place it takes, after that one left; null gives it a new name.</param>
    public Member StartJoiner(Member? former = null)
    {
        var joiner = former is null
            ? StartAt(_places.Find(p => _members.All(m => m.Slot != p.Slot))!, string.Create(CultureInfo.InvariantCulture, $"n{_everybody.Count + 1}"))
            : StartAt(_places[former.Slot], former.Name);
        _members = [.. _members, joiner];
        return joiner;
    }

    /// <summary>A process with a former member's name and address and an empty directory. It is nobody's member, and clients may come upon it.</summary>
    public Member StartImpostor(Member former) => StartAt(_places[former.Slot], former.Name);

    /// <summary>Its place is free; its data stays there until the place is used again.</summary>
    public void Leave(Member member)
    {
        member.End(withData: false);
        _members = [.. _members.Where(m => m != member)];
        UpdateDoors();
    }

    public void UpdateDoors()
    {
        var members = _members;
        Doors = [.. members.Select(m => new Door(m.Url, m.ClientAddress))];
        FrontDoors = [.. members.Select(m => new Door(_fronts[m.Slot].Url, m.ClientAddress))];
    }

    /// <summary>In front of a member.</summary>
    public Front FrontOf(Member member) => _fronts[member.Slot];

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

    /// <summary>Also at the end of the process, so that nothing is left on the machine when a run is interrupted. Whoever comes second waits for the first.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }
            _isDisposed = true;
            AppDomain.CurrentDomain.ProcessExit -= OnExit;
            for (var i = 0; i < _everybody.Count; i++)
            {
                _everybody[i].End(withData: false);
                if (KeepsFiles)
                {
                    File.WriteAllText(Path.Combine(_directory, string.Create(CultureInfo.InvariantCulture, $"{i + 1}-{_everybody[i].Name}.log")), _everybody[i].Output);
                }
            }
            _fronts.ForEach(front => front.Dispose());
            Network.Dispose();
            if (KeepsFiles)
            {
                Disk.Keep();
            }
            else
            {
                Disk.Dispose();
                Directory.Delete(_directory, recursive: true);
            }
        }
    }

    private void OnExit(object? sender, EventArgs e) => Dispose();

    private Member StartAt(Place place, string name)
    {
        foreach (var left in Directory.GetDirectories(place.Directory))
        {
            Directory.Delete(left, recursive: true);
        }
        var member = Make(name, place, "--join", string.Join(',', _members.Where(m => m.Slot != place.Slot).Select(m => m.PeerAddress)));
        member.Start();
        return member;
    }

    private Member Make(string name, Place place, string how, string others)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            var member = new Member(name, place, [.. Always, .. Network.IsCuttable ? ["--insecure"] : Array.Empty<string>()], [how, others]);
            _everybody.Add(member);
            return member;
        }
    }
}
