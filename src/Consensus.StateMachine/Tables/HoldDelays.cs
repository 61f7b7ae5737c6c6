using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Tables;

/// <summary>
/// What is kept back of one object for those who lost holds of it: for each lost hold so long as its own <c>lockDelay</c> says, whatever others are granted meanwhile. An object
/// has so many of them at most; the last stands for all beyond.
/// </summary>
internal static class HoldDelays
{
    private static readonly MessageShape Shape = new("lock delays");
    private static readonly int Items = Shape.Messages(1);

    /// <summary>Those whose time is not over: an entry judges by its own stamp, whether the others were taken away already or not.</summary>
    public static ImmutableArray<HoldDelay> At(ImmutableArray<HoldDelay> delays, ClusterTime now) => delays.RemoveAll(delay => delay.Until <= now);

    /// <summary>
    /// With one more. Where there are as many as there may be, one of the same owner and mode covers it too, else the last one, which nobody may take back any more when it stands for
    /// several owners: whoever waits may have to wait for longer, and never for less.
    /// </summary>
    public static ImmutableArray<HoldDelay> With(ImmutableArray<HoldDelay> delays, HoldDelay more, int most)
    {
        if (delays.Length < most)
        {
            return delays.Add(more);
        }
        var at = delays.Length - 1;
        while (at > 0 && (delays[at].OwnerName != more.OwnerName || delays[at].Mode != more.Mode))
        {
            at--;
        }
        at = delays[at].OwnerName == more.OwnerName && delays[at].Mode == more.Mode ? at : delays.Length - 1;
        var present = delays[at];
        return delays.SetItem(at, present with
        {
            Owner = present.OwnerName == more.OwnerName ? present.Owner : HoldDelay.Nobody,
            Principal = present.OwnerName == more.OwnerName ? present.Principal : "",
            Until = ClusterTime.Max(present.Until, more.Until),
            Mode = present.Mode == more.Mode ? present.Mode : LockMode.Exclusive,
            Count = present.Count + more.Count,
        });
    }

    /// <summary>Without what its owner has again: of lost holds of that mode first, and of those that end first.</summary>
    public static ImmutableArray<HoldDelay> TakenBack(ImmutableArray<HoldDelay> delays, OwnerName owner, LockMode mode, long count)
    {
        while (count > 0 && NextOf(delays, owner, mode) is { } delay)
        {
            var at = delays.IndexOf(delay);
            if (delay.Count > count)
            {
                return delays.SetItem(at, delay with { Count = delay.Count - count });
            }
            count -= delay.Count;
            delays = delays.RemoveAt(at);
        }
        return delays;
    }

    /// <summary>The one that ends first.</summary>
    public static HoldDelay? First(ImmutableArray<HoldDelay> delays)
    {
        HoldDelay? first = null;
        foreach (var delay in delays)
        {
            first = first is null || delay.Until < first.Until ? delay : first;
        }
        return first;
    }

    private static HoldDelay? NextOf(ImmutableArray<HoldDelay> delays, OwnerName owner, LockMode mode)
    {
        HoldDelay? next = null;
        foreach (var delay in delays)
        {
            if (delay.OwnerName == owner
                && (next is null || (delay.Mode != mode, delay.Until).CompareTo((next.Mode != mode, next.Until)) < 0))
            {
                next = delay;
            }
        }
        return next;
    }

    /// <summary>The message <c>Delay</c> of <c>snapshot.proto</c>.</summary>
    private static class Saved
    {
        public static readonly MessageShape Shape = new("a lock delay");
        public static readonly int Owner = Shape.Text(1);
        public static readonly int Until = Shape.Number(2);
        public static readonly int Token = Shape.Number(3);
        public static readonly int Mode = Shape.Number(4);
        public static readonly int Count = Shape.Number(5);
        public static readonly int Principal = Shape.Text(6);
    }

    /// <param name="field">Of the message that they are a part of.</param>
    public static void Write(WireWriter writer, int field, ImmutableArray<HoldDelay> delays)
    {
        var all = writer.BeginMessage(field);
        foreach (var delay in delays)
        {
            var start = writer.BeginMessage(Items);
            writer.String(Saved.Owner, delay.Owner);
            writer.Int64(Saved.Until, delay.Until.Micros);
            writer.Int64(Saved.Token, delay.Token.Value);
            writer.Int64(Saved.Mode, (int)delay.Mode);
            writer.Int64(Saved.Count, delay.Count);
            writer.String(Saved.Principal, delay.Principal);
            writer.EndMessage(start);
        }
        writer.EndMessage(all);
    }

    /// <summary>Throws <see cref="WireFormatException"/> when they are damaged.</summary>
    public static ImmutableArray<HoldDelay> Read(ReadOnlyMemory<byte> body) => [.. new Fields(body, Shape).Messages().Select(ReadOne)];

    private static HoldDelay ReadOne(ReadOnlyMemory<byte> item)
    {
        var fields = new Fields(item, Saved.Shape);
        return new HoldDelay(
            fields.Text(Saved.Owner),
            fields.Time(Saved.Until),
            new FencingToken(fields.Number(Saved.Token)),
            fields.Mode(Saved.Mode),
            fields.Number(Saved.Count))
        {
            Principal = fields.Text(Saved.Principal),
        };
    }
}
