using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Storage.Tests.Support;

/// <summary>One thing that a member does with its storage.</summary>
internal abstract record Step
{
    /// <summary>One batch to the log.</summary>
    public sealed record Append(IReadOnlyList<PersistRequest> Batch) : Step;

    /// <summary>The frame after idleness.</summary>
    public sealed record EmptyFrame : Step;

    /// <summary>A snapshot of the member's own: file, mark, removal of older files, compaction.</summary>
    public sealed record Take(SnapshotMark Mark) : Step;

    /// <summary>A leader's snapshot: file, mark, removal of older files, compaction.</summary>
    public sealed record Install(SnapshotMark Mark) : Step;

    /// <summary>The process stops and starts again.</summary>
    public sealed record Restart : Step;
}

/// <summary>Random steps that a correct Raft core could ask for, from a seed.</summary>
internal static class Workload
{
    public static IReadOnlyList<Step> Generate(ulong seed, int count)
    {
        var random = new DeterministicRandom(seed);
        var steps = new List<Step>();
        var log = ModelLog.Empty;
        var commit = 0L;
        while (steps.Count < count)
        {
            switch (random.Next(12))
            {
                case 0:
                    steps.Add(new Step.EmptyFrame());
                    break;
                case 1 when commit > log.MarkIndex:
                    var taken = Make.Mark(random.Next(log.MarkIndex + 1, commit + 1), 0);
                    taken = taken with { LastTerm = new Term(log.TermAt(taken.LastIndex.Value)) };
                    steps.Add(new Step.Take(taken));
                    log = log.After([Request(taken: taken)]);
                    break;
                case 2 when random.Chance(1, 3):
                    var installed = Make.Mark(log.LastIndex + random.Next(1, 20), log.HardState.Term.Value + 1);
                    steps.Add(new Step.Install(installed));
                    log = log.After([Request(installed: installed)]);
                    commit = log.MarkIndex;
                    break;
                case 3:
                    steps.Add(new Step.Restart());
                    break;
                default:
                    var batch = new List<PersistRequest>();
                    for (var i = random.Next(1, 4); i > 0; i--)
                    {
                        batch.Add(NextRequest(random, log, commit));
                        log = log.After([batch[^1]]);
                    }
                    steps.Add(new Step.Append(batch));
                    commit = random.Chance(1, 2) ? random.Next(commit, log.LastIndex + 1) : commit;
                    break;
            }
        }
        return steps;
    }

    private static PersistRequest NextRequest(DeterministicRandom random, ModelLog log, long commit)
    {
        HardState? vote = null;
        var term = log.HardState.Term.Value;
        if (term == 0 || random.Chance(1, 4))
        {
            term += random.Next(1, 3);
            vote = Make.Vote(term, random.Chance(1, 2) ? 11 : 0);
        }
        else if (log.HardState.VotedFor.IsNone && random.Chance(1, 3))
        {
            vote = Make.Vote(term, 12);
        }
        Entry[] entries = [];
        if (vote is null || random.Chance(1, 2))
        {
            var first = random.Chance(1, 4) ? random.Next(commit, log.LastIndex + 1) + 1 : log.LastIndex + 1;
            entries = Make.Entries(first, random.Next(1, 4), Math.Max(term, log.TermAt(first - 1)), (int)random.Next(random.Chance(1, 10) ? 3000 : 250));
        }
        return Request(vote, entries);
    }

    private static PersistRequest Request(HardState? vote = null, Entry[]? entries = null, SnapshotMark? installed = null, SnapshotMark? taken = null) =>
        new(1, vote, installed, taken, entries ?? []);
}
