using Consensus.Simulation.Clients;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>Every grant's token is greater than that of every grant that was answered before it was asked for, and no token is given twice (rule 16).</summary>
public static class TokensIncrease
{
    public const string Name = "fencing tokens";

    public static void Check(IEnumerable<Operation> operations)
    {
        var grants = operations
            .SelectMany(o => TokensOf(o.Outcome).Select(token => (Operation: o, Token: token)))
            .ToList();
        var owners = new Dictionary<long, Operation>();
        foreach (var (operation, token) in grants)
        {
            var isFirst = owners.TryAdd(token, operation);
            Violation.Unless(isFirst, Name, () => $"token {token} was given to {owners[token]} and to {operation}");
        }
        var asked = grants.OrderBy(g => g.Operation.InvokedAt).ToList();
        var answered = grants.OrderBy(g => g.Operation.ReturnedAt).ToList();
        var highest = (Token: 0L, Operation: (Operation?)null);
        var next = 0;
        foreach (var (operation, token) in asked)
        {
            for (; next < answered.Count && answered[next].Operation.ReturnedAt < operation.InvokedAt; next++)
            {
                if (answered[next].Token > highest.Token)
                {
                    highest = (answered[next].Token, answered[next].Operation);
                }
            }
            Violation.Unless(token > highest.Token, Name, () => $"{operation} came after {highest.Operation} and got a token that is not higher");
        }
    }

    private static IEnumerable<long> TokensOf(Outcome? outcome) => outcome switch
    {
        HoldGranted granted => [granted.Hold.Token.Value],
        ManyGranted many => many.Holds.Select(hold => hold.Token.Value),
        _ => [],
    };
}
