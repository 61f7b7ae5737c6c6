using System.Globalization;

namespace Consensus.Chaos.Machines;

/// <summary>
/// A network namespace for each member, joined by a bridge at which the clients are. A route to nowhere cuts one direction between two of
/// them; a route through this process makes one direction slow, lossy or narrow. Where namespaces are not allowed, all members are on loopback and nothing can be cut.
/// </summary>
internal sealed class Network : IDisposable
{
    private readonly string _bridge = BridgeOf(Environment.ProcessId);
    private readonly int _subnet = 1 + (Environment.ProcessId % 250);
    private readonly HashSet<(int From, int To)> _cut = [];
    private readonly HashSet<(int From, int To)> _rough = [];

    public Network(int places)
    {
        Places = places;
        IsCuttable = SetUp();
        if (!IsCuttable)
        {
            Remove();
            return;
        }
        Rough = SetUpRough();
    }

    /// <summary>Null where this process may not carry packets.</summary>
    public RoughLinks? Rough { get; }

    /// <summary>How many places there are for members.</summary>
    public int Places { get; }

    public bool IsCuttable { get; }

    public string AddressOf(int member) => IsCuttable ? string.Create(CultureInfo.InvariantCulture, $"10.213.{_subnet}.{member + 1}") : "127.0.0.1";

    /// <summary>The network namespace.</summary>
    public string NameOf(int member) => NameOf(Environment.ProcessId, member + 1);

    /// <summary>What is put in front of a member's command line.</summary>
    public string[] Within(int member) => IsCuttable ? ["ip", "netns", "exec", NameOf(member)] : [];

    /// <summary>Nothing that <paramref name="from"/> sends reaches <paramref name="to"/>.</summary>
    public void Cut(int from, int to)
    {
        if (IsCuttable && _cut.Add((from, to)))
        {
            Shell.Run("ip", "-n", NameOf(from), "route", "add", "blackhole", AddressOf(to) + "/32");
        }
    }

    /// <summary>What <paramref name="from"/> sends to <paramref name="to"/> fares so. A cut goes before it.</summary>
    public void Roughen(int from, int to, RoughLink link)
    {
        if (Rough is null)
        {
            return;
        }
        Rough.Set(from, to, link);
        if (_rough.Add((from, to)))
        {
            Shell.Run("ip", ["-n", NameOf(from), "route", "add", .. RoughRoute(from, to)]);
        }
    }

    public void Smooth()
    {
        foreach (var (from, to) in _rough)
        {
            Shell.Run("ip", ["-n", NameOf(from), "route", "del", .. RoughRoute(from, to)]);
        }
        _rough.Clear();
        Rough?.Clear();
    }

    /// <summary>No direction is cut any more.</summary>
    public void Heal()
    {
        foreach (var (from, to) in _cut)
        {
            Shell.Run("ip", "-n", NameOf(from), "route", "del", "blackhole", AddressOf(to) + "/32");
        }
        _cut.Clear();
    }

    public void Dispose()
    {
        Rough?.Dispose();
        if (IsCuttable)
        {
            Remove();
        }
    }

    /// <summary>Of a run's network namespace. All such names have 15 characters at most.</summary>
    /// <param name="process">The run's.</param>
    /// <param name="place">Counted from 1.</param>
    public static string NameOf(int process, int place) => string.Create(CultureInfo.InvariantCulture, $"{BridgeOf(process)}n{place}");

    /// <summary>Takes down what a run set up.</summary>
    /// <param name="places">Counted from 1.</param>
    public static void Remove(int process, IEnumerable<int> places)
    {
        foreach (var place in places)
        {
            // The kernel takes a namespace down in its own time, and with it the link whose other end is here: whoever comes next needs the name at once.
            Shell.Run("ip", "link", "delete", LinkOf(process, place));
            Shell.Run("ip", "netns", "delete", NameOf(process, place));
        }
        Shell.Run("ip", "link", "delete", BridgeOf(process));
    }

    private static string BridgeOf(int process) => string.Create(CultureInfo.InvariantCulture, $"cx{process}");

    private static string LinkOf(int process, int place) => string.Create(CultureInfo.InvariantCulture, $"{BridgeOf(process)}v{place}");

    private static string Tun(int member) => string.Create(CultureInfo.InvariantCulture, $"{BridgeOf(Environment.ProcessId)}t{member + 1}");

    private string[] RoughRoute(int from, int to) => [AddressOf(to) + "/32", "dev", Tun(from), "src", AddressOf(from), "metric", "10"];

    private RoughLinks? SetUpRough()
    {
        var devices = new List<TunDevice>();
        for (var i = 0; i < Places; i++)
        {
            if (TunDevice.TryMake(Tun(i)) is { } device)
            {
                devices.Add(device);
            }
            if (devices.Count != i + 1 || !Shell.Run("ip", "link", "set", Tun(i), "netns", NameOf(i)) || !Shell.Run("ip", "-n", NameOf(i), "link", "set", Tun(i), "up"))
            {
                devices.ForEach(made => made.Dispose());
                return null;
            }
        }
        return new RoughLinks(devices, 1);
    }

    private bool SetUp()
    {
        if (!Shell.Run("ip", "link", "add", _bridge, "type", "bridge")
            || !Shell.Run("ip", "address", "add", string.Create(CultureInfo.InvariantCulture, $"10.213.{_subnet}.254/24"), "dev", _bridge)
            || !Shell.Run("ip", "link", "set", _bridge, "up"))
        {
            return false;
        }
        for (var i = 0; i < Places; i++)
        {
            var (name, link) = (NameOf(i), LinkOf(Environment.ProcessId, i + 1));
            if (!Shell.Run("ip", "netns", "add", name))
            {
                return false;
            }
            // A packet that came through a rough link in one direction is answered by another way, which reverse-path filters take for a forgery.
            Shell.Run("ip", "netns", "exec", name, "sh", "-c", "for of in all default; do echo 0 >/proc/sys/net/ipv4/conf/$of/rp_filter; done");
            if (!Shell.Run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
                || !Shell.Run("ip", "link", "set", link, "master", _bridge, "up")
                || !Shell.Run("ip", "-n", name, "address", "add", AddressIn(i), "dev", "eth0")
                || !Shell.Run("ip", "-n", name, "link", "set", "eth0", "up")
                || !Shell.Run("ip", "-n", name, "link", "set", "lo", "up"))
            {
                return false;
            }
        }
        return true;
    }

    private string AddressIn(int member) => string.Create(CultureInfo.InvariantCulture, $"10.213.{_subnet}.{member + 1}/24");

    private void Remove() => Remove(Environment.ProcessId, Enumerable.Range(1, Places));
}
