namespace Consensus.StateMachine.Tables;

/// <summary>Under which identity a request may be retried: its idempotency key within its principal (rule 21).</summary>
internal readonly record struct Identity(string Principal, Key IdempotencyKey) : IComparable<Identity>
{
    public bool IsNone => IdempotencyKey.IsEmpty;

    /// <summary>What it takes in memory, about.</summary>
    public long Bytes => IdempotencyKey.Length + (2L * Principal.Length);

    public int CompareTo(Identity other)
    {
        var byPrincipal = string.CompareOrdinal(Principal, other.Principal);
        return byPrincipal != 0 ? byPrincipal : IdempotencyKey.CompareTo(other.IdempotencyKey);
    }
}
