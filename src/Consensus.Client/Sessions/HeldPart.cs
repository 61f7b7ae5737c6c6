using Consensus.Client.Holding;

namespace Consensus.Client.Sessions;

/// <param name="Kind"><c>lock</c>, <c>semaphore</c> or <c>election</c>.</param>
internal readonly record struct HoldName(string Kind, string Name)
{
    public static HoldName Lock(string name) => new("lock", name);

    public static HoldName Semaphore(string name) => new("semaphore", name);

    public static HoldName Election(string name) => new("election", name);
}

/// <summary>One hold by its token, which no other hold of the cluster has; several locks that are held together are several.</summary>
internal readonly record struct HeldPart(HoldName Of, long Token)
{
    /// <summary>Asks once to take it back.</summary>
    public async Task<WithdrawalOutcome> GiveBackAsync(IConsensusApi api, CancellationToken cancellationToken)
    {
        var release = Of.Kind switch
        {
            "semaphore" => api.ReleaseSemaphoreAsync(Of.Name, Token, cancellationToken),
            "election" => api.ResignAsync(Of.Name, Token, cancellationToken),
            _ => api.ReleaseLockAsync(Of.Name, Token, cancellationToken),
        };
        return Withdrawals.Of((await release.ConfigureAwait(false)).Problem);
    }
}

/// <summary>What a handle has under a session.</summary>
internal sealed record HeldParts(SessionHolds Holds, IReadOnlyList<HeldPart> Items)
{
    /// <summary>The handle gives them back by itself.</summary>
    public void BeginRelease() => Holds.BeginRelease(Items);

    /// <param name="isGone">False: nobody answered. It is tried again by and by, for under a living session nothing else ends them.</param>
    public void EndRelease(bool isGone)
    {
        foreach (var part in Items)
        {
            Holds.EndRelease(part, isGone);
        }
    }

    /// <summary>Nobody wants them: they are given back in the background, and again should that not succeed.</summary>
    public void Disown()
    {
        foreach (var part in Items)
        {
            Holds.Disown(part);
        }
    }
}
