using Consensus.Api;

namespace Consensus.Client;

/// <summary>
/// What one attempt of a write bears, by which the next one of it is known (rule 21): an Idempotency-Key or a number of a session. Neither:
/// it has no identity.
/// </summary>
internal readonly record struct WriteMark(string? Key, WriteNumber? Number = null)
{
    public (string Name, string Value)? Header =>
        Number is { } number ? (ApiHeaders.Session, number.ToString()) : Key is { } key ? (ApiHeaders.IdempotencyKey, key) : null;
}
