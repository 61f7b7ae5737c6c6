using Consensus.Client.Sessions;

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

    /// <summary>How long it outlives its holder where it has a lease of its own; null: it can be under no session.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>Who hears how it goes; null: nobody.</summary>
    public AcquireWatch? Watch { get; init; }

    /// <summary>What is asked for, as news of a session name it.</summary>
    public IReadOnlyList<HoldName> Names { get; init; } = [];

    /// <summary>What was granted.</summary>
    public Func<TGrant, IReadOnlyList<HeldPart>> Parts { get; init; } = static _ => [];

    /// <summary>Asks once: the place where a wait is sent.</summary>
    public required Func<HoldQuestion, CancellationToken, Task<ApiResult<TGrant>>> Ask { get; init; }

    public required Func<TGrant, GrantTimes> Times { get; init; }

    public required Func<TGrant, RenewOnce> Renew { get; init; }

    /// <summary>Asks once to take it back.</summary>
    public required Func<TGrant, IConsensusApi, CancellationToken, Task<WithdrawalOutcome>> GiveBack { get; init; }
}

/// <summary>
/// One request, sent any number of times under one identity, with one wait and one lease: the server compares the whole of it.
/// </summary>
/// <param name="Wait">For how long the server lets it stand in line.</param>
/// <param name="AskedAt">Not later than the first send, which is what the holder's time counts from.</param>
/// <param name="Place">The session that it is asked for under; null for a lease of its own.</param>
internal sealed record HoldQuestion(TimeSpan Wait, TimeSpan AskedAt, RequestIdentity Identity, HoldPlace? Place)
{
    /// <summary>What the request says of its lease: the session's id, or this TTL.</summary>
    public (TimeSpan? Ttl, string? Lease) LeaseOf(TimeSpan ttl) => Place is { Session.Id: var session } ? (null, session) : (ttl, null);
}

/// <param name="Waited">How long it stood in line on the server.</param>
internal readonly record struct GrantTimes(TimeSpan Ttl, TimeSpan Waited)
{
    public static GrantTimes OfMs(long ttlMs, long waitedMs) => new(TimeSpan.FromMilliseconds(ttlMs), TimeSpan.FromMilliseconds(waitedMs));
}
