using Consensus.Client;
using Consensus.Client.Holding;

namespace Consensus.Cli.LockRun;

/// <summary>
/// Takes back what was asked for, on the way out: what is granted to a program that has ended would be held for its whole TTL.
/// </summary>
internal static class Withdrawal
{
    /// <summary>A program that is told to end has little time (a container ten seconds); a member that has just lost its leader needs one or two.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <returns>True when it is certain that nothing is held under the key, nor will be.</returns>
    public static async Task<bool> TryAsync(IConsensusApi api, string idempotencyKey)
    {
        using var over = new CancellationTokenSource(Patience);
        return await Withdrawals.TryAsync(api, idempotencyKey, over.Token);
    }

    /// <summary>Waits, but not for long, for what the client is taking back in the background.</summary>
    /// <returns>True when nothing of it is left for certain.</returns>
    public static async Task<bool> HasSettledAsync(ConsensusClient client)
    {
        var settled = client.WhenWithdrawnAsync();
        return await Task.WhenAny(settled, Task.Delay(Patience)) == settled && await settled;
    }

    /// <summary>One sentence for when it is not certain.</summary>
    public static string Doubt(string what) => $"{what} may have been granted, and then ends with its lease.";
}
