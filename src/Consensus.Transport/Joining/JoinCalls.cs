using Consensus.Transport.Dialing;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Joining;

/// <summary>One address that is called, and what it said last.</summary>
internal sealed class CalledAddress(string address)
{
    public string Address { get; } = address;

    public HandshakeReply? LatestReply { get; set; }

    /// <summary>In words, for a log.</summary>
    public string LatestDetail { get; set; } = "not dialled yet";

    /// <summary>The same refusal was given the last time too.</summary>
    public bool IsRepeated { get; set; }

    /// <summary>Rounds in which it is left out.</summary>
    public int RestsFor { get; set; }
}

/// <summary>
/// Calls members with the purpose JOIN, one after the other: those that <c>--join</c> names, and those that they name in turn, so that every member
/// comes to know the joiner. Used by one thread at a time.
/// </summary>
internal sealed class JoinCalls
{
    private const int MaxAddresses = 64;

    /// <summary>
    /// One that does not answer costs a time-out, and one that refuses again and again warns its operator each time: they are called in every sixth round
    /// only. A list of joiners outlasts that (<see cref="JoinerList.ForgottenAfter"/>).
    /// </summary>
    private const int RoundsOfRest = 5;

    private readonly JoinOptions _options;
    private readonly PeerDialer _dialer;
    private readonly List<CalledAddress> _addresses = [];

    public JoinCalls(JoinOptions options)
    {
        _options = options;
        _dialer = new PeerDialer(options.DialTimeout, options.HandshakeTimeout, options.Time, options.Tls);
        foreach (var address in options.Addresses)
        {
            Add(address);
        }
    }

    public IReadOnlyList<CalledAddress> Addresses => _addresses;

    /// <summary>Calls every address once; <paramref name="take"/> is told of each that was called, and ends the round by saying false.</summary>
    public void Round(PeerIdentity self, Func<CalledAddress, bool> take, CancellationToken stop)
    {
        foreach (var called in _addresses.ToList())
        {
            if (stop.IsCancellationRequested)
            {
                return;
            }
            if (called.RestsFor > 0)
            {
                called.RestsFor--;
                continue;
            }
            Call(called, self, stop);
            if (!take(called))
            {
                return;
            }
        }
    }

    private void Call(CalledAddress called, PeerIdentity self, CancellationToken stop)
    {
        var outcome = _dialer.Dial(called.Address, new Hello(self, Purpose.Join, "", "", []), stop);
        outcome.Connection?.Dispose();
        called.IsRepeated = outcome.Reply is Refusal { IsTransient: false } refusal && called.LatestReply is Refusal before && refusal.Code == before.Code;
        called.RestsFor = called.IsRepeated || outcome.Status == DialStatus.TimedOut ? RoundsOfRest : 0;
        called.LatestReply = outcome.Reply;
        called.LatestDetail = outcome.Reply is Welcome welcome ? $"{welcome.Identity.Name} answers" : outcome.Detail;
        if (outcome.Reply is Welcome { Known: var known })
        {
            foreach (var member in known.Where(member => member.Address.Length > 0))
            {
                Add(member.Address);
            }
        }
    }

    private void Add(string address)
    {
        if (address != _options.AdvertisedAddress && _addresses.Count < MaxAddresses && !_addresses.Exists(called => called.Address == address))
        {
            _addresses.Add(new CalledAddress(address));
        }
    }
}
