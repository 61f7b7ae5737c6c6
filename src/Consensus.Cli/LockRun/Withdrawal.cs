using Consensus.Api.Requests;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>
/// Takes back what was asked for, on the way out: what is granted to a program that has ended would be held for its whole TTL. One member after the other is asked, without waiting long for
/// any: the one that has not answered may be the reason for giving up. Asking several does no harm.
/// </summary>
internal static class Withdrawal
{
    /// <summary>A program that is told to end has little time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>How long a member alone may take; then the next is asked as well.</summary>
    private static readonly TimeSpan Head = TimeSpan.FromMilliseconds(400);

    /// <returns>True when it is certain that nothing is held under the key, nor will be.</returns>
    public static async Task<bool> TryAsync(ConsensusClientOptions options, string idempotencyKey)
    {
        using var over = new CancellationTokenSource(Patience);
        return await TryAsync(options, idempotencyKey, over.Token);
    }

    /// <summary>As the other, until it is cancelled: then it is false.</summary>
    public static async Task<bool> TryAsync(ConsensusClientOptions options, string idempotencyKey, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var asked = new List<Task<bool>>();
        for (var next = 0; !over.IsCancellationRequested; next++)
        {
            asked.Add(AskAsync(options, options.Endpoints[next % options.Endpoints.Count], idempotencyKey, over.Token));
            var head = Task.Delay(Head, CancellationToken.None);
            // Only a whole round of quick refusals is worth a pause.
            var isRound = (next + 1) % options.Endpoints.Count == 0;
            while (asked.Count > 0 && await Task.WhenAny([.. asked, head]) is Task<bool> ended)
            {
                asked.Remove(ended);
                if (await ended)
                {
                    over.Cancel();
                    return true;
                }
            }
            if (isRound)
            {
                await head;
            }
        }
        return false;
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

    private static async Task<bool> AskAsync(ConsensusClientOptions options, Uri endpoint, string idempotencyKey, CancellationToken cancellationToken)
    {
        using var client = new ConsensusApiClient(options with
        {
            Endpoints = [endpoint],
            AttemptTimeout = Patience,
            RetryFor = TimeSpan.Zero,
            RetryUnreachableFor = TimeSpan.Zero,
            SettlesWithin = null,
            SendsOnCallingThread = false,
        });
        try
        {
            var result = await client.WithdrawAsync(idempotencyKey, cancellationToken);
            return result.Value is { Outcome: WithdrawOutcomes.Withdrawn or WithdrawOutcomes.Released };
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
