using System.Reflection;
using System.Text;
using Consensus.Simulation.Nodes;
using Consensus.Simulation.Tests.Checkers;

namespace Consensus.Simulation.Tests.Broken;

/// <summary>No checker is believed that was never seen to object: to a mistake made on purpose around production code, or to something made by hand.</summary>
public sealed class EveryCheckerIsCheckedTests
{
    [Test]
    public void Every_checker_has_objected_to_a_mistake_or_to_something_made_by_hand()
    {
        var checkers = CheckersOf(typeof(SimulatedNode).Assembly);
        Assert.That(checkers, Has.Count.GreaterThan(10));
        var table = new StringBuilder("| checker | mistakes made on purpose that it sees | tests with something made by hand |\n|---|---|---|\n");
        var neverSeen = new List<string>();
        foreach (var checker in checkers)
        {
            var mistakes = BrokenVariants.All.Where(v => v.Checker == checker).Select(v => v.Mistake).ToList();
            var handMade = HandMadeTestsOf(checker);
            table.Append("| ").Append(checker).Append(" | ").AppendJoin("; ", mistakes).Append(" | ").AppendJoin(", ", handMade.Select(t => $"`{t}`")).Append(" |\n");
            if (mistakes.Count + handMade.Count == 0)
            {
                neverSeen.Add(checker);
            }
        }
        TestContext.Out.WriteLine(table);
        Assert.That(neverSeen, Is.Empty);
        Assert.That(BrokenVariants.All.Select(v => v.Checker).Distinct(), Is.SubsetOf(checkers));
    }

    /// <summary>Their names: every type among the checkers that has one.</summary>
    private static SortedSet<string> CheckersOf(Assembly assembly) => new(
        assembly.GetTypes()
            .Where(type => type.Namespace?.StartsWith("Consensus.Simulation.Checkers", StringComparison.Ordinal) == true)
            .Select(type => type.GetField("Name", BindingFlags.Public | BindingFlags.Static))
            .Where(field => field is { IsLiteral: true })
            .Select(field => (string)field!.GetRawConstantValue()!),
        StringComparer.Ordinal);

    private static List<string> HandMadeTestsOf(string checker) =>
    [
        .. typeof(EveryCheckerIsCheckedTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => method.GetCustomAttributes<SeenByAttribute>().Any(seen => seen.Checker == checker))
            .Select(method => method.Name)
            .Order(StringComparer.Ordinal),
    ];
}
