using System.Globalization;
using Consensus.Api.Cluster;
using Consensus.Cli.Output;
using Consensus.Cli.Status;
using Consensus.Client;

namespace Consensus.Cli.Checks;

/// <summary>A member whose state at one index is being compared.</summary>
internal interface IComparedMember
{
    string Name { get; }

    Task<ApiResult<TableRangesAnswer>> AskAsync(string table, IReadOnlyList<TableRangeRequest> ranges, CancellationToken cancellationToken);
}

/// <summary>A member that keeps its state at an index, and what its tables have there.</summary>
internal sealed class ComparedMember(string name, bool leads, ConsensusApiClient client) : IComparedMember, IDisposable
{
    public string Name => name;

    public bool Leads => leads;

    public StateTablesAnswer? Tables { get; private set; }

    /// <summary>Why it keeps none; null when it does.</summary>
    public ApiProblem? Problem { get; private set; }

    /// <summary>What it has applied; 0 when it does not say.</summary>
    public async Task<long> AppliedAsync(CancellationToken cancellationToken) => (await client.GetStatusAsync(cancellationToken)).Value?.AppliedIndex ?? 0;

    /// <summary>Has it keep its state at this index.</summary>
    public async Task KeepAsync(long index, CancellationToken cancellationToken)
    {
        var answer = await client.GetStateTablesAsync(index, cancellationToken);
        (Tables, Problem) = (answer.Value, answer.Problem);
    }

    public Task<ApiResult<TableRangesAnswer>> AskAsync(string table, IReadOnlyList<TableRangeRequest> ranges, CancellationToken cancellationToken) =>
        client.AskRangesAsync(new TableRangesRequest(Tables!.Index, table, ranges), cancellationToken);

    public void Dispose() => client.Dispose();
}

/// <summary>
/// Has all members keep their states at one index. A state can be had only while a member is there, and members move on while they are asked: so under writes they are asked about
/// an index that is ahead of them all, further each time that one was past it.
/// </summary>
internal sealed class ComparedMembers : IDisposable
{
    private const int Rounds = 8;

    private ComparedMembers(IReadOnlyList<ComparedMember> all) => All = all;

    public IReadOnlyList<ComparedMember> All { get; }

    public IEnumerable<ComparedMember> Kept => All.Where(member => member.Tables is not null);

    public long Index { get; private set; }

    public static async Task<ComparedMembers> KeepAsync(
        ConsensusClientOptions options, IEnumerable<MemberReport> members, ProgressLine progress, CancellationToken cancellationToken)
    {
        var all = new ComparedMembers([.. members.Select(member => new ComparedMember(
            member.Name,
            member.Status?.Role == "leader",
            new ConsensusApiClient(options with { Endpoints = [member.Endpoint!], RetryFor = TimeSpan.Zero, RetryUnreachableFor = TimeSpan.Zero })))]);
        try
        {
            await all.KeepAsync(progress, cancellationToken);
            return all;
        }
        catch
        {
            all.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var member in All)
        {
            member.Dispose();
        }
    }

    private async Task KeepAsync(ProgressLine progress, CancellationToken cancellationToken)
    {
        var ahead = 0L;
        for (var round = 1; ; round++)
        {
            var applied = (await Task.WhenAll(All.Select(member => member.AppliedAsync(cancellationToken)))).Max();
            if (All.Any(member => member.Problem?.Slug == "compacted"))
            {
                // As many entries as were applied during a whole round, at least: twice that is in time.
                ahead = Math.Max(1, Math.Max(2 * ahead, 2 * (applied - Index)));
            }
            if (All.Any(member => member.Problem?.Slug == "not-ready"))
            {
                // Nothing more was written: where they are is where they stay.
                ahead = 0;
            }
            Index = applied + ahead;
            progress.Say(() => string.Create(CultureInfo.InvariantCulture, $"having {All.Count} members keep their states at index {Index}"));
            await Task.WhenAll(All.Select(member => member.KeepAsync(Index, cancellationToken)));
            if (round == Rounds || !All.Any(member => member.Problem?.Slug is "compacted" or "not-ready"))
            {
                return;
            }
        }
    }
}
