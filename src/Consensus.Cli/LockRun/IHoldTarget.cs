using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>A grant as far as keeping it is concerned.</summary>
internal readonly record struct Grant(long FencingToken, long TtlMs, long WaitedMs);

/// <summary>A grant, or the problem.</summary>
internal readonly record struct GrantResult(Grant? Grant, ApiProblem? Problem);

/// <summary>What is held while a command runs: a lock, permits of a semaphore, or leadership.</summary>
internal interface IHoldTarget
{
    /// <summary>For sentences: "lock 'a/b'".</summary>
    string Description { get; }

    /// <summary>What the command finds in its environment beside the fencing token.</summary>
    IReadOnlyDictionary<string, string> Variables { get; }

    /// <summary>The hold ends so long after its grant, however often it is renewed; null: it has no such end.</summary>
    TimeSpan? MaxHold { get; }

    /// <param name="wait">10 minutes at most; the same whenever it is asked under the same identity.</param>
    Task<GrantResult> AcquireAsync(TimeSpan wait, RequestIdentity identity, CancellationToken cancellationToken);

    /// <summary>Sends one renewal once, on the calling thread.</summary>
    HoldRenewal RenewOnce(long fencingToken, TimeSpan timeout, CancellationToken cancellationToken);

    Task<ApiResult<EmptyAnswer>> ReleaseAsync(long fencingToken, CancellationToken cancellationToken);
}
