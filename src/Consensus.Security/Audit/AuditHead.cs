namespace Consensus.Security.Audit;

/// <summary>Where a chain of records stands: what the next one follows.</summary>
/// <param name="Sequence">The number of the last record; 0 before the first.</param>
/// <param name="Chain">The 32 bytes that stand for it and for all before it; zeros before the first.</param>
public sealed record AuditHead(long Sequence, ReadOnlyMemory<byte> Chain)
{
    /// <summary>Bytes of a chain's link.</summary>
    public const int ChainBytes = 32;

    /// <summary>Before the first record.</summary>
    public static readonly AuditHead Empty = new(0, new byte[ChainBytes]);

    /// <summary>As it stands in a file.</summary>
    public string Text => Convert.ToHexStringLower(Chain.Span);

    /// <inheritdoc/>
    public bool Equals(AuditHead? other) => other is not null && Sequence == other.Sequence && Chain.Span.SequenceEqual(other.Chain.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => Sequence.GetHashCode();
}
