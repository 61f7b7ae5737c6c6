using Consensus.Primitives;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>
/// What of an object is kept back from whom (<c>lockDelay</c>). Whoever wants something exclusive waits for all that others lost, whoever wants something shared for what they held
/// exclusively, and lost permits stay taken. Nothing is kept back from the owner who lost it.
/// </summary>
internal static class KeptBack
{
    /// <summary>Whether what others lost stands in the way, beside the holds that there are.</summary>
    public static bool IsKept(HoldSpace space, ObjectRecord record, in Wanted wanted, ClusterTime now)
    {
        if (record.Delays.IsEmpty)
        {
            return false;
        }
        return space == HoldSpace.Semaphore
            ? wanted.Count > wanted.Permits - record.PermitsUsed - PermitsFrom(record, wanted.Owner, now)
            : AreInTheWay(record, wanted, now);
    }

    /// <summary>When at the earliest it is not kept back any more, were nothing held; null when it is not.</summary>
    public static ClusterTime? Until(HoldSpace space, ObjectRecord record, in Wanted wanted, ClusterTime now)
    {
        if (!IsKept(space, record.Delays.IsEmpty ? record : record with { PermitsUsed = 0 }, wanted, now))
        {
            return null;
        }
        ClusterTime? until = null;
        foreach (var delay in record.Delays)
        {
            var isEnough = space == HoldSpace.Semaphore
                ? wanted.Count <= wanted.Permits - PermitsFrom(record, wanted.Owner, delay.Until)
                : !AreInTheWay(record, wanted, delay.Until);
            if (isEnough && delay.Until > now && (until is null || delay.Until < until))
            {
                until = delay.Until;
            }
        }
        return until;
    }

    /// <summary>How many permits, or holds, this owner lost that are kept for it: with so many at most it comes back, past those who wait.</summary>
    public static long For(ObjectRecord record, OwnerName owner, ClusterTime now)
    {
        var count = 0L;
        foreach (var delay in record.Delays)
        {
            count += delay.OwnerName == owner && delay.Until > now ? delay.Count : 0;
        }
        return count;
    }

    /// <summary>All permits that are kept back.</summary>
    public static long Permits(ObjectRecord record, ClusterTime now)
    {
        var count = 0L;
        foreach (var delay in record.Delays)
        {
            count += delay.Until > now ? delay.Count : 0;
        }
        return count;
    }

    private static long PermitsFrom(ObjectRecord record, OwnerName owner, ClusterTime now)
    {
        var count = 0L;
        foreach (var delay in record.Delays)
        {
            count += delay.OwnerName != owner && delay.Until > now ? delay.Count : 0;
        }
        return count;
    }

    private static bool AreInTheWay(ObjectRecord record, in Wanted wanted, ClusterTime now)
    {
        foreach (var delay in record.Delays)
        {
            if (delay.Until > now && delay.OwnerName != wanted.Owner
                && (delay.Mode == LockMode.Exclusive || wanted.Mode == LockMode.Exclusive))
            {
                return true;
            }
        }
        return false;
    }
}
