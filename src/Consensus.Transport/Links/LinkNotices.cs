using Consensus.Transport.Dialing;

namespace Consensus.Transport.Links;

/// <summary>
/// What an operator is told of one link: that its peer has moved, does not answer, or answers again. Used by the link's thread.
/// </summary>
internal sealed class LinkNotices(string name, string knownAt, LinkSettings settings)
{
    /// <summary>Dials in vain, one after the other, before an operator is told: a process that is started again is back sooner.</summary>
    private const int FailuresBeforeNotice = 8;

    private readonly RateLimitedLog _notices = new(settings.Notices, settings.Time);

    /// <summary>Where this member was taken to be last; an operator is told when it turns out to be elsewhere.</summary>
    private string _knownAt = knownAt;

    private int _failures;

    /// <summary>It answered there as the very member that it is.</summary>
    public void Linked(string address)
    {
        if (address != _knownAt)
        {
            _notices.Say(TransportLogLevel.Information, $"{name} has moved: it answers at {address}, and no longer at {_knownAt}");
        }
        else if (_failures >= FailuresBeforeNotice)
        {
            _notices.Say(TransportLogLevel.Information, $"{name} answers again at {address}");
        }
        _knownAt = address;
        _failures = 0;
    }

    /// <param name="all">Where it is dialled.</param>
    public void Failed(DialStatus status, string address, string detail, IReadOnlyList<string> all)
    {
        var needsSomebody = status is DialStatus.Exhausted or DialStatus.NotBelieved;
        settings.Log.Say(needsSomebody ? TransportLogLevel.Warning : TransportLogLevel.Debug, $"no link to {name} at {address}: {detail}");
        if (++_failures == FailuresBeforeNotice)
        {
            _notices.Say(
                TransportLogLevel.Information,
                $"{name} does not answer at {string.Join(" or ", all)} ({detail}) and is dialled on; should it have moved, "
                    + $"it says so itself as soon as it reaches this member, or --peer-address {name}=HOST:PORT does");
        }
    }
}
