namespace Consensus.Simulation.Tests.Checkers;

/// <summary>On a test that gives a checker something wrong, made by hand, and shows that the checker sees it.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class SeenByAttribute(string checker) : Attribute
{
    public string Checker { get; } = checker;
}
