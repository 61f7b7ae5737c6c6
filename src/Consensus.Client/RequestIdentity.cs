using Consensus.Api;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>
/// The Idempotency-Key of one operation over all its sends, with what was heard of them. While a send may have had an effect that nobody was told of, or may still have one, whatever is
/// sent next bears the same key. Where a member said that nothing was done it bears another one: that answer may be kept under the key, and a repeat would only hear it again. Belongs to
/// one operation at a time.
/// </summary>
/// <param name="key">Null: one of its own. A given key stays, whatever is answered.</param>
/// <exception cref="ArgumentException">A given key cannot be one.</exception>
internal sealed class RequestIdentity(string? key = null)
{
    private readonly bool _isGiven = key is not null;
    private bool _isUsedUp;
    private bool _wasInDoubt;

    public string Key { get; private set; } = key is null ? NewKey() : Checked(key);

    /// <summary>True once something was sent under this key, until an answer says for sure what came of all of it: who gives up meanwhile withdraws the key.</summary>
    public bool IsInDoubt { get; private set; }

    /// <summary>Of one operation after the other, for whoever must say why they took too long.</summary>
    public AttemptLog Log { get; init; } = new();

    /// <summary>The key of the next send.</summary>
    public string BeginSend(Uri? endpoint = null)
    {
        if (_isUsedUp)
        {
            (Key, _isUsedUp) = (NewKey(), false);
        }
        (_wasInDoubt, IsInDoubt) = (IsInDoubt, true);
        Log.Asking = endpoint;
        return Key;
    }

    /// <summary>The send that was begun last ended like this.</summary>
    public void EndSend(Attempt attempt)
    {
        Log.Add(attempt);
        if (attempt.Kind is AttemptKind.NothingDone or AttemptKind.Refused)
        {
            EndSend(wasAnswered: !attempt.Unreachable);
        }
    }

    /// <summary>The send that was begun last did nothing.</summary>
    /// <param name="wasAnswered">A member said so; else it was never sent.</param>
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

    private static string NewKey() => Guid.NewGuid().ToString("N");
}
