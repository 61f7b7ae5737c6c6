using System.Globalization;
using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.Checks;

/// <summary>One table that members do not have alike.</summary>
/// <param name="Left">The members with what most have; the leader's where no content has more members than another.</param>
/// <param name="Right">Members that have another content, all the same.</param>
internal sealed record TableDifference(string Table, IReadOnlyList<string> Left, IReadOnlyList<string> Right, NarrowedTable Narrowed)
{
    public IEnumerable<string> Sentences()
    {
        var count = Narrowed.Items.Count + Narrowed.More;
        var places = string.Create(CultureInfo.InvariantCulture, $"{(Narrowed.IsExact ? "" : "at least ")}{count} {(count == 1 ? "record" : "records")}");
        yield return $"{Table}: {Names(Right)} {(Right.Count == 1 ? "differs" : "differ")} from {Names(Left)} in {places}.";
        foreach (var item in Narrowed.Items)
        {
            yield return "  " + Sentence(item);
        }
        if (Narrowed.Items.Count > 0 && Narrowed.More > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  and {(Narrowed.IsExact ? "" : "at least ")}{Narrowed.More} more");
        }
        if (Narrowed.Failure.Length > 0)
        {
            yield return $"  not all that differs was looked for ({Narrowed.Failure}): check again.";
        }
    }

    public JsonObject ToJson()
    {
        var items = new JsonArray();
        foreach (var item in Narrowed.Items)
        {
            items.Add((JsonNode)new JsonObject { ["name"] = item.Name, ["left"] = item.Left?.Content, ["right"] = item.Right?.Content });
        }
        return new JsonObject
        {
            ["table"] = Table,
            ["left"] = Array(Left),
            ["right"] = Array(Right),
            ["items"] = items,
            ["more"] = Narrowed.More,
            ["exact"] = Narrowed.IsExact,
            ["failure"] = Narrowed.Failure.Length > 0 ? Narrowed.Failure : null,
        };
    }

    private string Sentence(DifferingItem item) => item is { Left: { } left, Right: { } right } && left.Content == right.Content
        ? $"{item.Name}: both have {left.Content}, and differ in what is not shown (hashes {left.Digest} and {right.Digest})"
        : $"{item.Name}: {Names(Left)} {Has(Left)} {item.Left?.Content ?? "none"}; {Names(Right)} {Has(Right)} {item.Right?.Content ?? "none"}";

    private static string Has(IReadOnlyList<string> names) => names.Count == 1 ? "has" : "have";

    private static string Names(IReadOnlyList<string> names) => names.Count == 1 ? names[0] : string.Join(", ", names.SkipLast(1)) + " and " + names[^1];

    private static JsonArray Array(IEnumerable<string> names)
    {
        var array = new JsonArray();
        foreach (var name in names)
        {
            array.Add((JsonNode)name);
        }
        return array;
    }
}

/// <summary>What differs between members that are in different states.</summary>
/// <param name="Index">At which the tables were compared, which is later than that of the hashes.</param>
/// <param name="Failures">One sentence for each member that was not compared.</param>
internal sealed record StateDifferences(long Index, IReadOnlyList<TableDifference> Tables, IReadOnlyList<string> Failures)
{
    public static async Task<StateDifferences> FindAsync(
        ConsensusClientOptions options, ConsistencyReport report, ProgressLine progress, CancellationToken cancellationToken)
    {
        var told = report.Members.Where(member => member.Hash is not null).Select(member => member.Member);
        using var members = await ComparedMembers.KeepAsync(options, told, progress, cancellationToken);
        var failures = members.All.Where(member => member.Tables is null)
            .Select(member => $"What {member.Name} has in its tables is not known ({member.Problem!.Detail.TrimEnd('.')}): check again.").ToList();
        var tables = new List<TableDifference>();
        foreach (var name in members.Kept.SelectMany(member => member.Tables!.Tables).Select(table => table.Table).Distinct().ToList())
        {
            progress.Say(() => $"looking for what differs in {name}");
            // Members of other versions may have other tables: none is as an empty one.
            var groups = members.Kept.GroupBy(member => SumOf(member, name))
                .OrderByDescending(group => group.Count()).ThenByDescending(group => group.Any(member => member.Leads)).ToList();
            foreach (var group in groups.Skip(1))
            {
                var narrowed = await new TableNarrowing(name, groups[0].First(), group.First(), cancellationToken).RunAsync(groups[0].Key.Count, group.Key.Count);
                tables.Add(new TableDifference(name, NamesOf(groups[0]), NamesOf(group), narrowed));
            }
        }
        return new StateDifferences(members.Index, tables, failures);
    }

    public IEnumerable<string> Sentences()
    {
        foreach (var failure in Failures)
        {
            yield return failure;
        }
        if (Tables.Count > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"What differs at index {Index}:");
        }
        else if (Failures.Count == 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture, $"At index {Index} all have the same in their tables: what differs is how they came there, of which nothing is left but the hash.");
        }
        foreach (var sentence in Tables.SelectMany(table => table.Sentences()))
        {
            yield return sentence;
        }
    }

    private static (long Count, string Digest) SumOf(ComparedMember member, string table) =>
        member.Tables!.Tables.FirstOrDefault(sum => sum.Table == table) is { } found ? (found.Count, found.Digest) : (0, "");

    private static List<string> NamesOf(IEnumerable<ComparedMember> members) => [.. members.Select(member => member.Name)];
}
