using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.Translation;

namespace Consensus.Client.Testing.Api;

/// <summary>The problems that a member answers with, as the client sees them (docs/http-api.md).</summary>
internal static class Refusals
{
    public static readonly ApiProblem Unreachable = new(ApiFailureKind.Unavailable, 0, "", "The cluster does not answer: this client is disconnected.");

    public static ApiProblem BadRequest(string detail) => Of(Problem.BadRequest(detail));

    public static ApiProblem TooLarge(string detail) => Of(Problem.TooLarge(detail));

    public static ApiProblem NotFound(string detail) => Of(Problem.NotFound(detail));

    /// <summary>Of an outcome that is no success.</summary>
    public static ApiProblem Of(Outcome outcome) => outcome is WaitCancelled ? Unreachable : Of(OutcomeProblems.Of(outcome));

    public static ApiProblem Compacted(Revision compactRevision) => Of(
        new Problem(ProblemTypes.Compacted, $"what is kept begins after {compactRevision}: read again, and watch from there")
        {
            CompactRevision = compactRevision.Value,
        });

    private static ApiProblem Of(Problem problem)
    {
        var type = problem.Type;
        var kind = type.Status is 503 or 429 ? ApiFailureKind.Unavailable
            : type == ProblemTypes.OutcomeUnknown || type == ProblemTypes.SessionEnded || type == ProblemTypes.RetryTooLate
                ? ApiFailureKind.OutcomeUnknown
            : type == ProblemTypes.Forbidden ? ApiFailureKind.Denied
            : ApiFailureKind.Refused;
        return new ApiProblem(kind, type.Status, type.Slug, problem.Detail)
        {
            Json = JsonSerializer.Serialize(problem.ToAnswer(), ApiJson.Default.ProblemAnswer),
        };
    }
}
