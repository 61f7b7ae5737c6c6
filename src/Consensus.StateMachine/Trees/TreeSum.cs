namespace Consensus.StateMachine.Trees;

/// <summary>What a node of a tree knows of all pairs below it, besides how many they are.</summary>
/// <param name="Bytes">What they take in memory, about, and so count towards the quota.</param>
/// <param name="Leased">How many hang on a lease.</param>
/// <param name="Digest">
/// The sum of the pairs' hashes. It does not depend on their order: equal content has the same digest, whatever the tree looks like and however it came about.
/// </param>
internal readonly record struct TreeSum(long Bytes, long Leased, ulong Digest)
{
    public static TreeSum operator +(TreeSum a, TreeSum b) => new(a.Bytes + b.Bytes, a.Leased + b.Leased, a.Digest + b.Digest);

    public static TreeSum operator -(TreeSum a, TreeSum b) => new(a.Bytes - b.Bytes, a.Leased - b.Leased, a.Digest - b.Digest);
}

/// <summary>What the pairs of a tree are summed by.</summary>
internal interface IMeasure<TKey, TValue>
{
    /// <summary>What the pair takes in memory, about, and so counts towards the quota. Asked often, so cheap.</summary>
    long Bytes(TKey key, TValue value);

    /// <summary>Cheap as well.</summary>
    bool IsLeased(TValue value);

    /// <summary>A hash of all that is replicated of the pair. Asked once for each pair that is stored, and kept beside it.</summary>
    ulong Digest(TKey key, TValue value);
}
