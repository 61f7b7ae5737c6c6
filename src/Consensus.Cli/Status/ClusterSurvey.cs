using Consensus.Api.Cluster;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Status;

/// <summary>Asks every member for its status: the given endpoints, and those that the cluster's own list adds.</summary>
internal static class ClusterSurvey
{
    /// <summary>A member that is slower than this to tell its own state is as good as down.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static async Task<ClusterReport> RunAsync(ConsensusClientOptions options, CancellationToken cancellationToken)
    {
        var patience = options.SettlesWithin < Patience ? options.SettlesWithin.Value : Patience;
        var asked = await Task.WhenAll(options.Endpoints.Distinct().Select(
            endpoint => AskBesideAsync(endpoint, options, patience, cancellationToken)));
        var listed = ListOf(asked)?.Members ?? [];
        var answers = await Task.WhenAll(listed.Select(async member =>
        {
            var known = asked.FirstOrDefault(answer => answer.Status?.Name == member.Name);
            return known is null && LearnedEndpoint.Of(member.ClientUrl, options, out _) is { } endpoint
                ? await AskBesideAsync(endpoint, options, patience, cancellationToken)
                : known;
        }));
        var cluster = ListOf([.. asked, .. answers.OfType<Answer>().Where(answer => listed.Any(member => member.Name == answer.Status?.Name))]);
        var reports = new List<MemberReport>(listed.Select((member, at) =>
        {
            var known = answers[at];
            LearnedEndpoint.Of(member.ClientUrl, options, out var refusal);
            var failure = known?.Failure ?? refusal;
            var seen = cluster?.Members.FirstOrDefault(best => best.Id == member.Id) ?? member;
            return new MemberReport(member.Name, known?.Endpoint, seen, known?.Status, known?.Json ?? "", failure);
        }));
        // Endpoints on nobody's list: of another cluster, or the only ones there are to tell about.
        reports.AddRange(asked
            .Where(answer => !reports.Any(report => SameServer(report, answer)))
            .Select(answer => new MemberReport(
                answer.Status?.Name ?? answer.Endpoint.Authority, answer.Endpoint, null, answer.Status, answer.Json, answer.Failure)
            {
                IsWaiting = cluster?.Joining?.Any(waiting => waiting.Id == answer.Status?.MemberId) == true,
            }));
        return new ClusterReport([.. reports.OrderBy(report => report.Name, StringComparer.Ordinal)], cluster is not null)
        {
            Joining = [.. (cluster?.Joining ?? []).Select(waiting => waiting.Name)],
        };
    }

    /// <summary>The leader's own list, where it answered: it knows best how the others do.</summary>
    private static ClusterAnswer? ListOf(IEnumerable<Answer> answers) => answers
        .Where(answer => answer.Cluster is not null)
        .OrderByDescending(answer => answer.Status?.Role == "leader" ? answer.Status.Term : -1)
        .Select(answer => answer.Cluster)
        .FirstOrDefault();

    private static bool SameServer(MemberReport report, Answer answer) =>
        report.Endpoint == answer.Endpoint
        || (report.Listed is not null && report.Name == answer.Status?.Name)
        || (Uri.TryCreate(report.Listed?.ClientUrl, UriKind.Absolute, out var listed) && listed == answer.Endpoint);

    /// <summary>On a thread of its own: one member that does not answer must not hold up the others.</summary>
    private static Task<Answer> AskBesideAsync(Uri endpoint, ConsensusClientOptions options, TimeSpan patience, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () => AskAsync(endpoint, options, patience, cancellationToken),
            cancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap();

    private static async Task<Answer> AskAsync(Uri endpoint, ConsensusClientOptions options, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var client = new ConsensusApiClient(new ConsensusClientOptions
        {
            Endpoints = [endpoint],
            Tls = options.Tls,
            Token = options.Token,
            SocketPath = options.SocketPath,
            AttemptTimeout = patience,
            RetryFor = TimeSpan.Zero,
            RetryUnreachableFor = TimeSpan.Zero,
            SendsOnCallingThread = true,
        });
        var status = await client.GetStatusAsync(cancellationToken);
        if (!status.Succeeded)
        {
            return new Answer(endpoint, null, "", null, status.Problem.Detail);
        }
        var cluster = await client.GetClusterAsync(cancellationToken);
        return new Answer(endpoint, status.Value, status.Json, cluster.Value, "");
    }

    private sealed record Answer(Uri Endpoint, StatusAnswer? Status, string Json, ClusterAnswer? Cluster, string Failure);
}
