using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// No two clients believe at the same time that they hold one lock. A client believes it from the answer that says so to its own deadline (0.99 × TTL from its
/// first send, on its clock), its release, or the answer that it holds it no longer.
/// </summary>
public sealed class OneHolder(ClockBounds bounds)
{
    public const string Name = "one holder";

    public void Check(IEnumerable<Operation> operations, Func<int, SimulatedClock> clockOf)
    {
        foreach (var ofLock in operations.Where(o => o.IsOfLock).GroupBy(o => o.Object, StringComparer.Ordinal))
        {
            CheckLock(ofLock.Key, [.. ofLock], clockOf);
        }
    }

    private void CheckLock(string name, List<Operation> operations, Func<int, SimulatedClock> clockOf)
    {
        var beliefs = BeliefsOf(operations, clockOf);
        beliefs.Sort(static (a, b) => a.From.CompareTo(b.From));
        var standing = new List<Belief>();
        foreach (var belief in beliefs)
        {
            standing.RemoveAll(earlier => earlier.Until <= belief.From);
            foreach (var other in standing)
            {
                var overlap = other.Token != belief.Token
                    && bounds.WereKept(clockOf(other.Client), other.SentAt, belief.From)
                    && bounds.WereKept(clockOf(belief.Client), belief.SentAt, belief.From);
                Violation.Unless(!overlap, Name, () =>
                    $"at {belief.From} both c{other.Client} (token {other.Token}, until {other.Until}) and c{belief.Client} (token {belief.Token}) hold {name}");
            }
            standing.Add(belief);
        }
    }

    private static List<Belief> BeliefsOf(List<Operation> operations, Func<int, SimulatedClock> clockOf)
    {
        var ends = new Dictionary<long, long>();
        foreach (var operation in operations.Where(o => o.Token > 0))
        {
            var end = operation.Kind == OperationKind.Release ? operation.InvokedAt
                : operation.Outcome is NotHolder ? operation.ReturnedAt
                : long.MaxValue;
            ends[operation.Token] = Math.Min(end, ends.GetValueOrDefault(operation.Token, long.MaxValue));
        }
        var beliefs = new List<Belief>();
        foreach (var operation in operations)
        {
            var (token, micros) = operation.Outcome switch
            {
                HoldGranted granted => (granted.Hold.Token.Value, operation.TtlMicros + granted.WaitedMicros),
                HoldRenewed renewed => (renewed.Hold.Token.Value, renewed.Hold.TtlMicros),
                _ => (0L, 0L),
            };
            if (token == 0)
            {
                continue;
            }
            var deadline = clockOf(operation.Client).WhenShows(operation.InvokedClock + (micros / 100 * 99));
            var until = Math.Min(deadline, ends.GetValueOrDefault(token, long.MaxValue));
            if (until > operation.ReturnedAt)
            {
                beliefs.Add(new Belief(operation.Client, token, operation.InvokedAt, operation.ReturnedAt, until));
            }
        }
        return beliefs;
    }

    private readonly record struct Belief(int Client, long Token, long SentAt, long From, long Until);
}
