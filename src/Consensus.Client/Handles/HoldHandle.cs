using Consensus.Api.Locks;
using Consensus.Api.Problems;
using Consensus.Client.Holding;

namespace Consensus.Client;

/// <summary>
/// Something held, and renewed until it is disposed of. Whoever works under it watches <see cref="HandleLost"/>, and gives its fencing token to whatever it writes to: a
/// process that is paused can be told nothing. Thread-safe.
/// </summary>
public abstract class HoldHandle : IAsyncDisposable
{
    /// <summary>How long giving back is tried while nobody answers: the lease ends by itself soon.</summary>
    private static readonly TimeSpan LongestPatience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ShortestPatience = TimeSpan.FromSeconds(1);

    private readonly HoldKeeper _keeper;
    private readonly KeptHold _hold;
    private readonly LossSignal _signal;
    private readonly object _gate = new();
    private Task<bool>? _release;
    private bool _isLent;

    /// <param name="isWatched">Given back once nothing refers to the handle, or to a token of it, any more.</param>
    private protected HoldHandle(HoldKeeper keeper, KeptHold hold, bool isWatched = true)
    {
        _keeper = keeper;
        _hold = hold;
        _signal = hold.Claim();
        if (isWatched)
        {
            _signal.Watch(signal => keeper.Leaked(hold, signal));
        }
    }

    /// <summary>
    /// Cancelled as soon as this may not be held any more: when the cluster says so, or at <see cref="SafeUntil"/> by a timer of its own, whether or not a renewal has
    /// failed. Not cancelled by giving back.
    /// </summary>
    public CancellationToken HandleLost => _signal.Token;

    /// <summary>
    /// Until when this is held for certain, as of the last renewal: its send time plus the TTL, less the margin, and no longer than <see cref="HoldOptions.MaxHold"/> allows. By
    /// the wall clock, for people; <see cref="SafeFor"/> does not depend on it.
    /// </summary>
    public DateTimeOffset SafeUntil => _hold.SafeUntilUtc;

    /// <summary>How long this is held for certain from now on; zero once it is lost.</summary>
    public TimeSpan SafeFor => _hold.LossReason is null && _hold.SafeUntil - _keeper.Now is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    /// <summary>Judged by the clock at this very moment, not by whether a timer had its turn: ask before each step that matters.</summary>
    public bool IsHeld => SafeFor > TimeSpan.Zero && Volatile.Read(ref _release) is null;

    /// <summary>Why it is lost, in a sentence; null while it is not.</summary>
    public string? LossReason => _hold.LossReason;

    /// <summary>Calls this after each renewal of the hold's own lease.</summary>
    internal void OnRenewed(Action renewed) => _hold.Renewed = renewed;

    /// <summary><see cref="SafeUntil"/> as the time since the start of the client's clock. It does not move back.</summary>
    internal TimeSpan SafeUntilOnClock => _keeper.SinceStart(_hold.SafeUntil);

    /// <summary>It is lost by the cluster's word, so that somebody else may have it, rather than by its time.</summary>
    internal bool IsEndedByCluster => _hold is { LossReason: not null, IsEndedByCluster: true };

    /// <summary>It is safe for as long as its <see cref="HoldOptions.MaxHold"/> allows: no renewal leads further.</summary>
    internal bool IsAtItsLongest => _hold.IsAtItsLongest;

    /// <summary>Why it is lost, or would be if its time were over now.</summary>
    internal string WhyOver => _hold.LossReason ?? HoldKeeper.WhyOver(_hold);

    /// <summary>What the cluster said when it was given back; null: it did not say anything, or was not asked.</summary>
    internal ApiResult<EmptyAnswer>? ReleaseAnswer { get; private set; }

    /// <summary>What is held, for messages: <c>lock 'a'</c>.</summary>
    private protected abstract string What { get; }

    /// <summary>True where the loss of one part leaves others to be given back.</summary>
    private protected virtual bool HasParts => false;

    /// <exception cref="HandleLostException">It is not held any more.</exception>
    public void ThrowIfLost()
    {
        if (!IsHeld)
        {
            throw new HandleLostException($"{What} is not held any more: {_hold.LossReason ?? "its time is over, or it was given back."}");
        }
    }

    /// <summary>Gives it back. Again: the same answer.</summary>
    /// <returns>False when it had been lost before.</returns>
    /// <exception cref="ConsensusException">Nobody answered in time: it ends with its lease.</exception>
    public Task<bool> ReleaseAsync(CancellationToken cancellationToken = default)
    {
        var left = _hold.SafeUntil + _hold.Schedule.Margin - _keeper.Now;
        return TryReleaseAsync(
            left < ShortestPatience ? ShortestPatience : left < LongestPatience ? left : LongestPatience, cancellationToken);
    }

    /// <summary>As the public one, but for how long it is tried while nobody answers.</summary>
    internal Task<bool> TryReleaseAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_release is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _release = GiveBackAsync(patience, cancellationToken);
            }
            return _release;
        }
    }

    /// <summary>
    /// Gives it back; where that does not succeed, it ends with its lease. Never throws, and again: nothing. The leadership of a leader-elected service is its host's: disposing of it there
    /// does nothing, <see cref="ReleaseAsync"/> resigns.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (IsLent)
        {
            return;
        }
        try
        {
            await ReleaseAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is ConsensusException or OperationCanceledException or ObjectDisposedException)
        {
            // It is renewed no more and so ends with its lease, which is all that can be promised where nobody answers.
        }
    }

    /// <summary>
    /// True while a container has it that would dispose of it among the services of a scope, some of which still work under it: whoever lent it disposes of it afterwards.
    /// </summary>
    internal bool IsLent
    {
        get => Volatile.Read(ref _isLent);
        set => Volatile.Write(ref _isLent, value);
    }

    /// <summary>Renews no more, and gives nothing back: for work that has not stopped though it was told to.</summary>
    internal void Abandon()
    {
        lock (_gate)
        {
            _release ??= Task.FromResult(false);
        }
        Stop();
    }

    private bool Stop()
    {
        _signal.Unwatch();
        return _keeper.Remove(_hold);
    }

    /// <summary>
    /// What came of asking to hand it over. When it was, nothing is left to give back. It is asked under an Idempotency-Key always: a
    /// session's news do not tell what was asked for under a number of it, and a hand-over whose answer is lost must be told.
    /// </summary>
    private protected bool HandedOver(ApiResult<HandOverAnswer> result)
    {
        if (!result.Succeeded)
        {
            return result.Problem.Slug == ProblemTypes.NotFound.Slug ? false : throw new ConsensusException(result.Problem);
        }
        lock (_gate)
        {
            _release = Task.FromResult(true);
        }
        Stop();
        _hold.Parts?.EndRelease(isGone: true);
        return true;
    }

    private protected abstract Task<ApiResult<EmptyAnswer>> SendReleaseAsync(CancellationToken cancellationToken);

    private async Task<bool> GiveBackAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var wasHeld = Stop();
        if (_hold.IsEndedByCluster && !HasParts)
        {
            return false;
        }
        using var limit = new CancellationTokenSource(patience);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        ApiResult<EmptyAnswer>? result = null;
        _hold.Parts?.BeginRelease();
        try
        {
            ReleaseAnswer = result = await SendReleaseAsync(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ConsensusException(new ApiProblem(ApiFailureKind.OutcomeUnknown, 0, "", $"{What} may not be given back: no member answered in time. It ends with its lease."));
        }
        finally
        {
            _hold.Parts?.EndRelease(isGone: result is { Succeeded: true } or { Problem.Kind: ApiFailureKind.Refused });
        }
        return result switch
        {
            { Succeeded: true } => wasHeld,
            { Problem.Kind: ApiFailureKind.Refused } => false,
            _ => throw new ConsensusException(result.Problem!),
        };
    }
}
