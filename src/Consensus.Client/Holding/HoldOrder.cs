namespace Consensus.Client.Holding;

/// <summary>How one kind of hold is asked for, kept and given back.</summary>
internal sealed record HoldOrder<TGrant>
{
    /// <summary>What is asked for, for messages: <c>lock 'a'</c>.</summary>
    public required string What { get; init; }

    /// <summary>For telemetry: <c>lock</c>.</summary>
    public required string Kind { get; init; }

    public required TimeSpan? Margin { get; init; }

    /// <summary>How long it is held at most, however often it is renewed; null: without end.</summary>
    public TimeSpan? MaxHold { get; init; }

    /// <summary>Asks once, under that identity; the server lets it stand in line for as long as the wait says.</summary>
    public required Func<TimeSpan, RequestIdentity, CancellationToken, Task<ApiResult<TGrant>>> Ask { get; init; }

    public required Func<TGrant, GrantTimes> Times { get; init; }

    public required Func<TGrant, RenewOnce> Renew { get; init; }

    /// <summary>True: nothing is left to be given back. Else it may be tried again.</summary>
    public required Func<TGrant, CancellationToken, Task<bool>> GiveBack { get; init; }
}

/// <param name="Waited">How long it stood in line on the server.</param>
internal readonly record struct GrantTimes(TimeSpan Ttl, TimeSpan Waited)
{
    public static GrantTimes OfMs(long ttlMs, long waitedMs) => new(TimeSpan.FromMilliseconds(ttlMs), TimeSpan.FromMilliseconds(waitedMs));
}
