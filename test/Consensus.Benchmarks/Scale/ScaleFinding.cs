namespace Consensus.Benchmarks.Scale;

/// <summary>One row of the scale table.</summary>
/// <param name="Part">Which of the parts found it.</param>
/// <param name="What">What was measured, with its unit.</param>
/// <param name="Goal">What is asked of it; empty for a figure that only explains another.</param>
internal sealed record ScaleFinding(string Part, string What, double Value, string Goal = "");
