namespace Consensus.Client;

/// <summary>An operation did not succeed; <see cref="Problem"/> says why, and whether it may have taken effect.</summary>
public class ConsensusException : Exception
{
    /// <summary>The problem's detail becomes the message.</summary>
    public ConsensusException(ApiProblem problem)
        : base(problem?.Detail)
    {
        ArgumentNullException.ThrowIfNull(problem);
        Problem = problem;
    }

    /// <summary>As the other, with what led to it.</summary>
    public ConsensusException(ApiProblem problem, Exception? innerException)
        : base(problem?.Detail, innerException)
    {
        ArgumentNullException.ThrowIfNull(problem);
        Problem = problem;
    }

    /// <summary>Why it did not succeed.</summary>
    public ApiProblem Problem { get; }
}
