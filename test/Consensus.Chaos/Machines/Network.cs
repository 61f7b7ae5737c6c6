using System.Globalization;

namespace Consensus.Chaos.Machines;

/// <summary>
/// A network namespace for each member, joined by a bridge at which the clients are. A route to nowhere cuts one direction between two of
/// them. Where namespaces are not allowed, all members are on loopback and nothing can be cut.
/// </summary>
internal sealed class Network : IDisposable
{
    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"cx{Environment.ProcessId % 100_000}");
    private readonly int _subnet = 1 + (Environment.ProcessId % 250);
    private readonly int _members;
    private readonly HashSet<(int From, int To)> _cut = [];

    public Network(int members)
    {
        _members = members;
        IsCuttable = SetUp();
        if (!IsCuttable)
        {
            Remove();
        }
    }

    public bool IsCuttable { get; }

    public string AddressOf(int member) => IsCuttable ? string.Create(CultureInfo.InvariantCulture, $"10.213.{_subnet}.{member + 1}") : "127.0.0.1";

    /// <summary>What is put in front of a member's command line.</summary>
    public string[] Within(int member) => IsCuttable ? ["ip", "netns", "exec", Name(member)] : [];

    /// <summary>Nothing that <paramref name="from"/> sends reaches <paramref name="to"/>.</summary>
    public void Cut(int from, int to)
    {
        if (IsCuttable && _cut.Add((from, to)))
        {
            Shell.Run("ip", "-n", Name(from), "route", "add", "blackhole", AddressOf(to) + "/32");
        }
    }

    public void Heal()
    {
        foreach (var (from, to) in _cut)
        {
            Shell.Run("ip", "-n", Name(from), "route", "del", "blackhole", AddressOf(to) + "/32");
        }
        _cut.Clear();
    }

    public void Dispose()
    {
        if (IsCuttable)
        {
            Remove();
        }
    }

    private string Name(int member) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}n{member + 1}");

    private string Link(int member) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}v{member + 1}");

    private bool SetUp()
    {
        if (!Shell.Run("ip", "link", "add", _prefix, "type", "bridge")
            || !Shell.Run("ip", "address", "add", string.Create(CultureInfo.InvariantCulture, $"10.213.{_subnet}.254/24"), "dev", _prefix)
            || !Shell.Run("ip", "link", "set", _prefix, "up"))
        {
            return false;
        }
        for (var i = 0; i < _members; i++)
        {
            var (name, link) = (Name(i), Link(i));
            if (!Shell.Run("ip", "netns", "add", name)
                || !Shell.Run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
                || !Shell.Run("ip", "link", "set", link, "master", _prefix, "up")
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

    private void Remove()
    {
        for (var i = 0; i < _members; i++)
        {
            Shell.Run("ip", "netns", "delete", Name(i));
        }
        Shell.Run("ip", "link", "delete", _prefix);
    }
}
