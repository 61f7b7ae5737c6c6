namespace Consensus.Client;

/// <summary>An operation did not succeed; <see cref="Problem"/> says why, and whether it may have taken effect.</summary>
public class ConsensusException : Exception
{
    public ConsensusException(ApiProblem problem)
        : base(problem?.Detail)
    {
        ArgumentNullException.ThrowIfNull(problem);
        Problem = problem;
    }

    public ConsensusException(ApiProblem problem, Exception? innerException)
        : base(problem?.Detail, innerException)
    {
        ArgumentNullException.ThrowIfNull(problem);
        Problem = problem;
    }

    public ApiProblem Problem { get; }
}
