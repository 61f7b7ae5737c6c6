using Consensus.Api.Problems;
using Consensus.Client;

namespace Consensus.Cli;

/// <summary>What every command's exit code means.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>A member judged it and said no: held, not found, a condition missed. Nothing was done.</summary>
    public const int Refused = 1;

    /// <summary>The command line, or a value on it, makes no sense.</summary>
    public const int Usage = 2;

    /// <summary>Nobody answered, or no leader was found in time. Nothing was done.</summary>
    public const int Unreachable = 3;

    /// <summary>It may or may not have taken effect.</summary>
    public const int Unknown = 4;

    /// <summary>What came of it could not be told: standard output is full or closed. What was asked for may have been done.</summary>
    public const int OutputFailed = 5;

    /// <summary>Whoever read standard output has had enough. As a shell tells of a program that SIGPIPE ended.</summary>
    public const int ReaderGone = 128 + 13;

    public static int Of(ApiProblem problem) => problem.Kind switch
    {
        // "A bound is reached" is a no, though one that passes.
        ApiFailureKind.Unavailable => problem.Slug == ProblemTypes.TooManyRequests.Slug ? Refused : Unreachable,
        ApiFailureKind.OutcomeUnknown => Unknown,
        // The server found a value bad that this program did not check.
        _ => problem.Status == 400 ? Usage : Refused,
    };
}
