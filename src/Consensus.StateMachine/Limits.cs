namespace Consensus.StateMachine;

/// <summary>
/// Bounds that are judged in Apply (rule 24). They are part of the replicated behaviour: every member of a cluster must use the
/// same, so they are constants of a version or, where there is a <see cref="SettingDefinition"/>, set in the log; never options. Tests use smaller ones.
/// </summary>
public sealed record Limits
{
    public static readonly Limits Default = new();

    public long MaxLeases { get; init; } = 2_000_000;

    /// <summary>Locks that are held or waited for.</summary>
    public long MaxObjects { get; init; } = 1_000_000;

    public long MaxWaiters { get; init; } = 1_000_000;

    public long MaxWaitersPerObject { get; init; } = 100_000;

    /// <summary>Shared holders of one lock, or holders of one semaphore.</summary>
    public long MaxHoldersPerObject { get; init; } = 100_000;

    /// <summary>Locks that one multi-lock may take.</summary>
    public int MaxHoldsPerCommand { get; init; } = 128;

    /// <summary>Bytes of a hold's metadata, and of an election's value.</summary>
    public int MaxMetadataBytes { get; init; } = 4096;

    /// <summary>Compares plus operations of one transaction.</summary>
    public int MaxTxnOperations { get; init; } = 128;

    /// <summary>Items that one get in a transaction may answer.</summary>
    public int MaxTxnGetItems { get; init; } = 1_000;

    /// <summary>Bytes of keys and values that the gets of one transaction may answer: a prefix is cut there as at its limit, single keys beyond it are refused.</summary>
    public long MaxTxnGetBytes { get; init; } = 2L << 20;

    public long MaxFences { get; init; } = 1_000_000;

    /// <summary>Of the lost tokens of one lock, how many of the newest are remembered to answer a late release with; of the released ones those that it keeps itself.</summary>
    public int MaxRememberedTokens { get; init; } = 16;

    /// <summary>
    /// Released tokens beyond those, of all locks together, as they count in memory: at 16 tokens in some 300 bytes about 1,700,000. The oldest go first.
    /// </summary>
    public long MaxReleasedBytes { get; init; } = 32L << 20;

    /// <summary>Lost holds of one lock, each with a <c>lockDelay</c> of its own, that are told apart; the last covers those beyond.</summary>
    public int MaxDelaysPerLock { get; init; } = 16;

    /// <summary>History older than this may be compacted (rule 29).</summary>
    public long HistoryKeepMicros { get; init; } = 5L * 60 * 1_000_000;

    /// <summary>History beyond this is compacted whatever its age: values, keys and 200 bytes for each change.</summary>
    public long MaxHistoryBytes { get; init; } = 128L << 20;

    /// <summary>Keys, holds and waiting places that one lease may carry, so that its end stays one step (rule 9).</summary>
    public int MaxAttachmentsPerLease { get; init; } = 10_000;

    /// <summary>Objects that one command may touch (rule 9).</summary>
    public int MaxObjectsPerCommand { get; init; } = 10_000;

    /// <summary>
    /// Objects that an entry touches which nobody asked of it as a whole: what expires, whose waiters are detached (half as many), who is
    /// granted what became free, who is passed over meanwhile. The next one goes on, so they may be far fewer than those of a command,
    /// which is done in one step or not at all (rule 9).
    /// </summary>
    public int MaxObjectsPerStep { get; init; } = 500;

    /// <summary>Locks that nobody holds whose last token and last loss are remembered; the oldest are forgotten first.</summary>
    public int MaxUnheldFacts { get; init; } = 10_000;

    public long MaxIdempotencyKeys { get; init; } = 200_000;

    public long MaxIdempotencyBytes { get; init; } = 64L << 20;

    /// <summary>A stored result younger than this is never dropped for room (rule 21).</summary>
    public long IdempotencyKeepMicros { get; init; } = 60L * 1_000_000;

    /// <summary>A stored result older than this is dropped.</summary>
    public long IdempotencyMaxAgeMicros { get; init; } = 24L * 3600 * 1_000_000;

    /// <summary>Identities whose results were dropped, remembered to tell a retry that it comes too late; the oldest go first.</summary>
    public long MaxForgottenKeys { get; init; } = 200_000;

    public long MaxForgottenBytes { get; init; } = 32L << 20;

    /// <summary>How long after its result was dropped an identity is remembered.</summary>
    public long ForgottenKeepMicros { get; init; } = 24L * 3600 * 1_000_000;

    /// <summary>How long an answer that changed nothing is remembered: as long as another attempt of its request can be under way (rule 21).</summary>
    public long BriefKeepMicros { get; init; } = 15L * 1_000_000;

    /// <summary>Answers that changed nothing; the oldest go first.</summary>
    public long MaxBriefAnswers { get; init; } = 200_000;

    public long MaxBriefBytes { get; init; } = 32L << 20;

    /// <summary>Requests of which it is remembered that they were withdrawn before they had an effect, apart from the above; some 300 bytes each; the oldest go first.</summary>
    public long MaxWithdrawals { get; init; } = 50_000;

    /// <summary>How many numbers of a session may be unacknowledged (rule 21).</summary>
    public long MaxSessionNumbers { get; init; } = 1_000;

    /// <summary>Bytes of the answers of one session; from there on nothing new is done under it but what always passes, which then is done unkept.</summary>
    public long MaxSessionBytes { get; init; } = 1L << 20;

    /// <summary>Of the holds and places that ended under a session, how many of the newest it remembers.</summary>
    public int MaxSessionEnds { get; init; } = 100;

    /// <summary>Roles that somebody made.</summary>
    public int MaxRoles { get; init; } = 1_000;

    public int MaxRulesPerRole { get; init; } = 100;

    /// <summary>Names to which roles are bound.</summary>
    public int MaxPrincipals { get; init; } = 10_000;

    public int MaxRolesPerPrincipal { get; init; } = 100;

    public int MaxRevocations { get; init; } = 10_000;

    /// <summary>Also those that have ended and are not forgotten yet.</summary>
    public int MaxTokens { get; init; } = 10_000;

    /// <summary>Of these, such as came of one, each made with one before: a week of a rotation every 40 minutes.</summary>
    public int MaxTokensOfFamily { get; init; } = 256;

    /// <summary>For how long a token may be good: a year.</summary>
    public long MaxTokenTtlSeconds { get; init; } = 365L * 24 * 3600;

    /// <summary>
    /// How long an ended token is remembered, so that whoever shows it is told that it has ended; and by how much a leader's clock may be
    /// wrong before tokens are lost by it.
    /// </summary>
    public long EndedTokenKeepSeconds { get; init; } = 7L * 24 * 3600;

    /// <summary>Bytes of the name of a role or a principal, and of what is noted with a revocation.</summary>
    public int MaxPolicyNameBytes { get; init; } = 256;

    /// <summary>How long a detached waiter keeps its place (rule 18).</summary>
    public long DetachedKeepMicros { get; init; } = 10L * 1_000_000;

    /// <summary>Of everything but the history, about as it takes memory: keys, leases, holds, waiting places, fences, and what is remembered for retries.</summary>
    public long MaxStateBytes { get; init; } = 4L << 30;
}
