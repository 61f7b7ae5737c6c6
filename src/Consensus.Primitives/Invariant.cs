using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Consensus.Primitives;

/// <summary>A condition of the protocol did not hold: the process must end, because going on could lose or double an effect.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);

/// <summary>Assertions that stay on in Release. The host ends the process when one fails.</summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantViolationException"/> unless <paramref name="condition"/> holds.</summary>
    public static void Require(
        [DoesNotReturnIf(false)] bool condition,
        string because,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
        {
            Fail(because, expression);
        }
    }

    [DoesNotReturn]
    private static void Fail(string because, string expression) =>
        throw new InvariantViolationException($"invariant broken: {because} ({expression})");

    /// <summary>For a switch over a closed set that met a value outside it.</summary>
    [DoesNotReturn]
    public static T Unreachable<T>(object? value) =>
        throw new InvariantViolationException($"a value outside its closed set: {value}");
}
