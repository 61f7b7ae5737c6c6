using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>Gives a hold back, and says what came of it where that is not what one expects.</summary>
internal sealed class HoldRelease(Hold hold, TextWriter error)
{
    private static readonly TimeSpan ShortPatience = TimeSpan.FromSeconds(3);

    /// <summary>Timers take no more; a lease may be longer.</summary>
    private static readonly TimeSpan LongestPatience = TimeSpan.FromDays(40);

    /// <summary>Tells one sentence; the server's words in it may hold anything.</summary>
    public void Say(string sentence) => error.WriteLine("consensusctl: " + Plain.OneLine(sentence));

    /// <summary>Tries for as long as there can be anything to give back.</summary>
    /// <returns>False when the cluster says that the hold had been lost before.</returns>
    public bool Release()
    {
        var isReleased = TryRelease(hold.Target.Options.Ttl is var ttl && ttl < LongestPatience ? ttl : LongestPatience);
        if (isReleased == false)
        {
            Say($"{hold.Target.Description} was lost before it was released: {hold.Handle.ReleaseAnswer?.Problem?.Detail ?? hold.Reason}");
        }
        return isReleased ?? true;
    }

    /// <summary>
    /// After the hold could not be kept (who waits need not wait for what is left of the lease; but where nobody answers, it ends soon anyway), or when this program was told to end before
    /// there was anything to be done under it.
    /// </summary>
    public void ReleaseSoon() => TryRelease(ShortPatience);

    /// <returns>False when there was nothing to give back any more; null when that is not known, which is said.</returns>
    private bool? TryRelease(TimeSpan patience)
    {
        using var expired = new CancellationTokenSource(patience);
        string failure;
        try
        {
            var wasHeld = hold.Handle.TryReleaseAsync(Timeout.InfiniteTimeSpan, expired.Token).GetAwaiter().GetResult();
            // Time may have run out while the last processes were ending: it is the cluster's word that counts.
            return wasHeld || hold.Handle.ReleaseAnswer is { Succeeded: true };
        }
        catch (ConsensusException unanswered)
        {
            failure = unanswered.Message;
        }
        catch (OperationCanceledException)
        {
            failure = "no member answered in time.";
        }
        Say($"{hold.Target.Description} was perhaps not released, and then ends with its lease: {failure}");
        return null;
    }
}
