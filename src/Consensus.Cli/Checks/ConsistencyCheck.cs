using System.Globalization;
using Consensus.Cli.Output;
using Consensus.Cli.Status;
using Consensus.Client;

namespace Consensus.Cli.Checks;

/// <summary>
/// Asks every member for the hash of its state at one index. Members move on while they are asked and are never at one index together, so each says what its hash *was*
/// there, or waits until it gets there.
/// </summary>
internal static class ConsistencyCheck
{
    /// <summary>A member that was asked too late, and has forgotten the index, is asked again about a later one.</summary>
    private const int Rounds = 5;

    public static async Task<ConsistencyReport> RunAsync(ConsensusClientOptions options, ProgressLine progress, CancellationToken cancellationToken)
    {
        for (var round = 1; ; round++)
        {
            progress.Say(() => "asking the members where they are");
            var survey = await ClusterSurvey.RunAsync(options, cancellationToken);
            var members = survey.Members.Where(member => !survey.ClusterKnown || member.Listed is not null).ToList();
            var index = members.Max(member => member.Status?.AppliedIndex ?? 0);
            progress.Say(() => string.Create(CultureInfo.InvariantCulture, $"comparing {members.Count} members at index {index}"));
            var asked = await Task.WhenAll(members.Select(member => AskAsync(options, member, index, cancellationToken)));
            if (round == Rounds || !asked.Any(answer => answer.Forgotten))
            {
                return new ConsistencyReport(index, [.. asked.Select(answer => answer.Told)]);
            }
        }
    }

    private static async Task<(MemberHash Told, bool Forgotten)> AskAsync(
        ConsensusClientOptions options, MemberReport member, long index, CancellationToken cancellationToken)
    {
        if (member.Status is null || member.Endpoint is null)
        {
            return (new MemberHash(member, null, member.Failure), false);
        }
        using var client = new ConsensusApiClient(options with { Endpoints = [member.Endpoint] });
        var answer = await client.GetStateHashAsync(index, cancellationToken);
        if (answer.Succeeded)
        {
            return (new MemberHash(member, answer.Value.StateHash, ""), false);
        }
        return (new MemberHash(member, null, answer.Problem.Detail), answer.Problem.Slug == "compacted");
    }
}
