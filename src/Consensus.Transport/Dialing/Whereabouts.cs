namespace Consensus.Transport.Dialing;

/// <summary>
/// Where one member may be, the likeliest first. A directory is an identity, an address is not (rule 7): whoever answers is asked who it is, so that a wrong address here costs a
/// dial and nothing else. At most <see cref="Most"/>; not thread-safe.
/// </summary>
internal sealed class Whereabouts(string logged)
{
    public const int Most = 4;

    private readonly List<string> _addresses = [logged];
    private string _logged = logged;

    /// <summary>host:port, at least one; the first is dialled first.</summary>
    public IReadOnlyList<string> All => _addresses;

    public string First => _addresses[0];

    /// <summary>The address to dial now, and whether it is the last that is not tried yet.</summary>
    public (string Address, bool IsLast) InTurn(ref int next)
    {
        var now = next < _addresses.Count ? next : 0;
        next = (now + 1) % _addresses.Count;
        return (_addresses[now], next == 0);
    }

    /// <summary>Its own process says that it is there, or it answered there. True when another address came first until now.</summary>
    public bool IsAt(string address)
    {
        if (First == address)
        {
            return false;
        }
        _addresses.Remove(address);
        _addresses.Insert(0, address);
        Trim();
        return true;
    }

    /// <summary>
    /// The log says that it is there from now on. A process that is linked with us (<paramref name="isLinked"/>) knows better: what is applied here may be an announcement of the
    /// one before. True when another address came first until now.
    /// </summary>
    public bool IsLogged(string address, bool isLinked)
    {
        if (address == _logged)
        {
            return false;
        }
        var before = First;
        if (address != before)
        {
            _addresses.Remove(address);
            _addresses.Insert(isLinked ? 1 : 0, address);
        }
        if (_logged != First)
        {
            _addresses.Remove(_logged);
        }
        _logged = address;
        Trim();
        return First != before;
    }

    /// <summary>Another member knows it there: tried after the others, in the place of what was heard before where there are too many. True when that is new.</summary>
    public bool MayBeAt(string address)
    {
        if (_addresses.Contains(address))
        {
            return false;
        }
        if (_addresses.Count == Most)
        {
            ForgetOne();
        }
        _addresses.Add(address);
        return true;
    }

    private void Trim()
    {
        while (_addresses.Count > Most)
        {
            ForgetOne();
        }
    }

    /// <summary>Never the log's address: it is what all members agree on.</summary>
    private void ForgetOne() => _addresses.RemoveAt(_addresses[^1] == _logged ? _addresses.Count - 2 : _addresses.Count - 1);
}
