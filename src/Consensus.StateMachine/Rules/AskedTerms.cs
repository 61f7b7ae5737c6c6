using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>On what terms somebody asks: only locks have modes, only semaphores count, and only elections have a value.</summary>
internal static class AskedTerms
{
    public static LockMode ModeOf(AcquireCommand c) => c.Space == HoldSpace.Lock ? c.Mode : LockMode.Exclusive;

    public static long CountOf(AcquireCommand c) => c.Space == HoldSpace.Semaphore ? Math.Max(1, c.Count) : 1;

    public static long PermitsOf(AcquireCommand c) => c.Space == HoldSpace.Semaphore ? c.Permits : 0;

    /// <summary>The logged command's array is as large as the whole entry and is shared with the log: the state keeps its own copies.</summary>
    public static HoldTerms Of(AcquireCommand c) => HoldTerms.Of(
        ModeOf(c),
        CountOf(c),
        c.LockDelayMicros,
        c.MaxHoldMicros,
        c.Metadata.ToArray(),
        c.Space == HoldSpace.Election ? c.Value.ToArray() : default);

    /// <summary>Whether the command asks for just that for which a request waits.</summary>
    /// <param name="place">The request's.</param>
    public static bool IsForPlacesOf(WaiterTable waiters, WaiterKey place, Command command)
    {
        waiters.TryGet(place, out var waiter);
        return command switch
        {
            AcquireCommand c => waiter.LockCount == 0 && waiter.Object == c.Object,
            AcquireManyCommand c => waiter.LockCount == c.Names.Length
                && waiter.LockCount > 0
                && waiters.PlacesOf(waiter).Select(static p => p.Object.Name).SequenceEqual(c.Names),
            _ => false,
        };
    }

    /// <summary>On what terms each of several locks is asked for.</summary>
    public static HoldTerms Of(AcquireManyCommand c) => HoldTerms.Of(LockMode.Exclusive, 1, c.LockDelayMicros, c.MaxHoldMicros, c.Metadata.ToArray(), default);
}
