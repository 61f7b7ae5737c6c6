using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Client.Sessions;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>
/// The identity of one operation over all its sends, with what was heard of them: an Idempotency-Key or a number of a session. While a send
/// may have had an effect that nobody was told of, or may still have one, whatever is sent next bears the same. Where a member said that
/// nothing was done the next one bears another key: that answer may be kept under the one before, and a repeat would only hear it again.
/// Belongs to one operation at a time.
/// </summary>
internal sealed class RequestIdentity
{
    private readonly bool _isGiven;
    private readonly WriteNumber? _given;
    private string? _key;
    private bool _isUsedUp;
    private bool _wasInDoubt;

    /// <summary>All that was sent under this is one place in line, as a member told: what it says next is said of all.</summary>
    private bool _isPlaced;

    /// <param name="key">Null: one of its own. A given key stays, whatever is answered.</param>
    /// <exception cref="ArgumentException">A given key cannot be one.</exception>
    public RequestIdentity(string? key = null) => (_isGiven, _key) = (key is not null, key is null ? null : Checked(key));

    /// <summary>A number that was given stays, as a key does.</summary>
    public RequestIdentity(WriteNumber number) => (_isGiven, _given) = (true, number);

    /// <param name="number">One of them, taken for this operation: whoever has this closes it.</param>
    public RequestIdentity(SessionNumbers numbers, long number) => (Numbers, Number) = (numbers, number);

    /// <summary>The key that was sent last, or is sent next.</summary>
    public string Key => _key ??= NewKey();

    /// <summary>Whose <see cref="Number"/> is; null for a key.</summary>
    public SessionNumbers? Numbers { get; private set; }

    public long Number { get; private set; }

    /// <summary>
    /// True once something was sent under this, until an answer says for sure what came of all of it: who gives up meanwhile withdraws or
    /// settles it.
    /// </summary>
    public bool IsInDoubt { get; private set; }

    /// <summary>
    /// What was sent last did nothing, and no member keeps anything under what is sent next: that may be another request. A member keeps no
    /// 503.
    /// </summary>
    public bool IsFree { get; private set; }

    /// <summary>How long the server was asked to wait under it last; null before the first send.</summary>
    public TimeSpan? Wait { get; set; }

    /// <summary>Of one operation after the other, for whoever must say why they took too long.</summary>
    public AttemptLog Log { get; init; } = new();

    /// <summary>What the next send bears.</summary>
    public WriteMark BeginSend(Uri? endpoint = null)
    {
        if (_isUsedUp)
        {
            Numbers?.Close(Number);
            (Numbers, _key, _isUsedUp) = (null, NewKey(), false);
        }
        (_wasInDoubt, IsInDoubt, IsFree) = (IsInDoubt, true, false);
        Log.Asking = endpoint;
        return _given is { } given ? new WriteMark(null, given) : Numbers is { } numbers ? new WriteMark(null, numbers.Mark(Number))
            : new WriteMark(Key);
    }

    /// <summary>The send that was begun last ended like this.</summary>
    public void EndSend(Attempt attempt)
    {
        Log.Add(attempt);
        if (attempt.IsPlace)
        {
            _isPlaced |= !_wasInDoubt;
            Numbers?.Place(Number);
        }
        else if (attempt.Is(ProblemTypes.SessionEnded))
        {
            // What came of earlier sends is unknown, and stays so.
            Numbers?.End(attempt.Detail);
        }
        else if (attempt.Kind is AttemptKind.NothingDone or AttemptKind.Refused or AttemptKind.Denied)
        {
            // A session keeps every outcome, so that a "no" under a number is the answer to all sends of it; what it refuses for want of
            // room it does not keep.
            _wasInDoubt &= !_isPlaced || attempt.Kind != AttemptKind.Refused || !IsOutcome(attempt.Status);
            _wasInDoubt &= Numbers is null || attempt.Kind != AttemptKind.Refused || !IsOutcome(attempt.Status);
            var isUnheard = attempt.Unreachable || attempt.IsUntrusted;
            var isKeptNowhere = isUnheard || attempt.Status == HttpStatusCode.ServiceUnavailable;
            EndSend(wasAnswered: !isUnheard && (Numbers is null || !isKeptNowhere));
            // Under what was given something of an earlier call may be known, with its whole wait.
            IsFree = !_isGiven && !IsInDoubt && (_isUsedUp || isKeptNowhere);
        }
        else
        {
            // It may still be on its way, and be there when the place is not.
            _isPlaced = false;
        }
    }

    /// <summary>The send that was begun last did nothing.</summary>
    /// <param name="wasAnswered">A member said so, and may keep that; else it was never sent.</param>
    public void EndSend(bool wasAnswered)
    {
        if (!_wasInDoubt)
        {
            IsInDoubt = false;
            _isUsedUp = !_isGiven && wasAnswered;
        }
    }

    /// <exception cref="ArgumentException">It is not 1 to 128 printable ASCII characters.</exception>
    public static string Checked(string idempotencyKey)
    {
        ArgumentException.ThrowIfNullOrEmpty(idempotencyKey);
        return idempotencyKey.Length <= ApiLimits.MaxIdempotencyKeyLength && !idempotencyKey.AsSpan().ContainsAnyExceptInRange(' ', '~')
            ? idempotencyKey
            : throw new ArgumentException($"An Idempotency-Key is 1 to {ApiLimits.MaxIdempotencyKeyLength} printable ASCII characters.", nameof(idempotencyKey));
    }

    private static bool IsOutcome(HttpStatusCode status) =>
        status is HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.Gone or HttpStatusCode.PreconditionFailed;

    private static string NewKey() => Guid.NewGuid().ToString("N");
}
