namespace Consensus.Api;

/// <summary>Bounds of one request. Past a size: 413; past another bound: 400. Nothing is done.</summary>
public static class ApiLimits
{
    /// <summary>Longest key or name, in bytes of UTF-8.</summary>
    public const int MaxKeyBytes = 1024;

    /// <summary>Longest value in bytes.</summary>
    public const int MaxValueBytes = 1 << 20;

    /// <summary>Longest request body in bytes.</summary>
    public const int MaxRequestBytes = 3 << 19;

    /// <summary>Longest owner of a lock in bytes of UTF-8.</summary>
    public const int MaxOwnerBytes = 256;

    /// <summary>Longest metadata of a hold, and longest value of an election, in bytes.</summary>
    public const int MaxMetadataBytes = 4096;

    /// <summary>Largest limit of a semaphore.</summary>
    public const long MaxPermits = 1_000_000_000;

    /// <summary>Most locks of one multi-lock.</summary>
    public const int MaxMultiLockNames = 128;

    /// <summary>Most compares and operations, of both branches together, of one transaction.</summary>
    public const int MaxTxnOperations = 128;

    /// <summary>Most items that one get of a prefix in a transaction answers.</summary>
    public const int MaxTxnGetItems = 1_000;

    /// <summary>Longest lock delay: 1 hour, in microseconds.</summary>
    public const long MaxLockDelayMicros = 3_600L * 1_000_000;

    public const int MaxIdempotencyKeyLength = 128;

    /// <summary>Most items of one page of a list.</summary>
    public const int MaxListLimit = 10_000;

    public const int DefaultListLimit = 1_000;

    /// <summary>A page ends early once its items hold this many bytes of keys and values.</summary>
    public const int MaxPageBytes = 4 << 20;

    /// <summary>Most leases of one keep-alive request (rule 9).</summary>
    public const int MaxKeepAliveIds = 10_000;

    /// <summary>Most ranges of one question about a table.</summary>
    public const int MaxTableRanges = 16;

    /// <summary>Most parts into which one range of a table is cut.</summary>
    public const int MaxTableParts = 32;

    /// <summary>Most records that are listed of one range of a table.</summary>
    public const int MaxTableItems = 64;

    /// <summary>An answer about ranges of a table ends early once its places and texts have this many bytes.</summary>
    public const int MaxTableAnswerBytes = 1 << 18;

    /// <summary>An answer with news of a session has that many bytes at most: another goes on with what began.</summary>
    public const int MaxNewsBytes = 32 * 1024;

    /// <summary>Longest wait of a lock request: 10 minutes, in microseconds.</summary>
    public const long MaxWaitMicros = 10L * 60 * 1_000_000;

    /// <summary>Longest TTL: 365 days, in microseconds.</summary>
    public const long MaxTtlMicros = 365L * 86_400 * 1_000_000;

    /// <summary>Smallest TTL unless configured lower: 1 s, in microseconds.</summary>
    public const long DefaultMinTtlMicros = 1_000_000;

    /// <summary>The lowest that the smallest TTL may be configured to: 100 ms, in microseconds.</summary>
    public const long LowestMinTtlMicros = 100_000;
}
