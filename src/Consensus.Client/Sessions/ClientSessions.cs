using Consensus.Api;
using Consensus.Client.Holding;
using Consensus.Client.Transport;

namespace Consensus.Client.Sessions;

/// <summary>
/// Under what a client sends its writes. A first one has an Idempotency-Key. With the second, or with the first hold, a session is opened
/// in the background, and whatever comes once it stands has a number of it. Nothing waits for a session and nothing fails for want of one:
/// where there is none, or no number, there is a key. Thread-safe.
/// </summary>
/// <param name="ttl">Of the sessions; null: there are none.</param>
internal sealed class ClientSessions(IConsensusApi api, HoldKeeper keeper, Withdrawals withdrawals, TimeSpan? ttl)
{
    /// <summary>After a session could not be made.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private ClientSession? _current;
    private bool _isOpening;
    private bool _isClosed;
    private int _writes;
    private TimeSpan _notBefore = TimeSpan.MinValue;

    /// <summary>The session that stands; null while there is none.</summary>
    public ClientSession? Current
    {
        get
        {
            lock (_gate)
            {
                return CurrentNow();
            }
        }
    }

    /// <summary>The identity of a write. Whoever has it ends it: <see cref="End"/>.</summary>
    /// <param name="givesBack">It ends something, and so opens no session.</param>
    public RequestIdentity Begin(bool givesBack = false)
    {
        ClientSession? session;
        lock (_gate)
        {
            session = CurrentNow();
            if (session is null && !givesBack && ++_writes > 1)
            {
                Open();
            }
        }
        return Identify(session, new AttemptLog());
    }

    /// <summary>Where a hold is asked for, if it can be under a session.</summary>
    /// <param name="holdTtl">Its own; a hold with another TTL than the session's has a lease of its own.</param>
    public HoldPlace? TryPlace(TimeSpan? holdTtl, IReadOnlyList<HoldName> names)
    {
        ClientSession? session;
        lock (_gate)
        {
            if (holdTtl is null || holdTtl != ttl)
            {
                return null;
            }
            session = CurrentNow();
            if (session is null)
            {
                Open();
            }
        }
        return session is not null && session.Lease.Schedule.Ttl == holdTtl && session.Holds.TryAsk(names) is { } asked
            ? new HoldPlace(session, asked) : null;
    }

    /// <summary>A number of the session; or a key, where there is no session or as many numbers are open as may be.</summary>
    public static RequestIdentity Identify(ClientSession? session, AttemptLog log) =>
        session is not null && session.Numbers.TryTake(out var number) ? new RequestIdentity(session.Numbers, number) { Log = log }
            : new RequestIdentity { Log = log };

    /// <summary>An operation is over. A number that is in doubt is settled in the background; a key is left to its owner.</summary>
    /// <param name="isKnown">Its answer was taken.</param>
    public static void End(RequestIdentity identity, bool isKnown)
    {
        if (identity.Numbers is not { } numbers)
        {
            return;
        }
        if (isKnown || !identity.IsInDoubt)
        {
            numbers.Close(identity.Number);
        }
        else
        {
            numbers.GiveUp(identity.Number);
        }
    }

    /// <summary>
    /// Opens no session any more. The one that stands is revoked in the background, and all that was asked under it ends with it; but where
    /// handles were not given back, it is left to end by its TTL: whoever works under one of them is told that it is lost before another
    /// can have it.
    /// </summary>
    public void Close()
    {
        ClientSession? session;
        lock (_gate)
        {
            session = CurrentNow();
            (_isClosed, _current) = (true, null);
        }
        if (session is { Holds.HasHandles: false })
        {
            withdrawals.Begin(async (hurried, cancellation) =>
                Withdrawals.Of((await hurried.RevokeLeaseAsync(session.Id, cancellation).ConfigureAwait(false)).Problem));
        }
    }

    private ClientSession? CurrentNow()
    {
        if (_current is { } session && (session.Lease.LossReason is not null || keeper.Now >= session.Lease.SafeUntil))
        {
            _current = null;
        }
        return _current;
    }

    private void Open()
    {
        if (ttl is not { } asked || _isOpening || _isClosed || keeper.Now < _notBefore)
        {
            return;
        }
        _isOpening = true;
        _ = Task.Run(() => OpenAsync(asked));
    }

    private async Task OpenAsync(TimeSpan asked)
    {
        ClientSession? opened = null;
        try
        {
            opened = await AskAsync(asked).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The client was disposed of.
        }
        finally
        {
            lock (_gate)
            {
                _isOpening = false;
                _current = _isClosed ? null : opened;
                _notBefore = keeper.Now + (opened is null ? Pause : TimeSpan.Zero);
            }
        }
    }

    private async Task<ClientSession?> AskAsync(TimeSpan asked)
    {
        using var underWay = withdrawals.BeginAcquire();
        var identity = new RequestIdentity();
        var sentAt = keeper.Now;
        var isSettled = false;
        try
        {
            var result = await api.GrantSessionAsync(asked, identity, withdrawals.Closing).ConfigureAwait(false);
            if (result is
                {
                    Succeeded: true,
                    Value: { Session: true, Id.Length: > 0, TtlMs: > 0 and <= ApiLimits.MaxTtlMicros / 1_000 } granted
                })
            {
                var session = new ClientSession(granted, sentAt, api, keeper, withdrawals);
                keeper.Add(session.Lease);
                isSettled = true;
                return session;
            }
            // A member that knows no sessions has granted a plain lease, which is withdrawn.
            isSettled = !identity.IsInDoubt;
            return null;
        }
        finally
        {
            if (!isSettled)
            {
                withdrawals.Begin(identity.Key);
            }
        }
    }
}

/// <summary>Where something is being asked for under a session, until this is disposed of: then it is a handle's, or nobody's.</summary>
internal sealed class HoldPlace(ClientSession session, IDisposable asked) : IDisposable
{
    public ClientSession Session => session;

    public void Dispose() => asked.Dispose();
}
