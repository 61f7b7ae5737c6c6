using Consensus.Api.Cluster;
using Consensus.Cli.Checks;
using Consensus.Cli.Tests.Support;
using Consensus.Client;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Comparison;
using Consensus.StateMachine.Snapshots;

namespace Consensus.Cli.Tests.Checks;

/// <summary>Narrowing the difference of two views to records, beside a plain walk over both.</summary>
internal sealed class TableNarrowingTests
{
    private const int Many = 1_000_000;

    /// <summary>Its history is short: the memory is for the keys.</summary>
    private static readonly Lazy<AppliedState> Million = new(() =>
    {
        var state = new AppliedState(new Limits { MaxHistoryBytes = 1 << 16 });
        for (var i = 0; i < Many; i++)
        {
            state.Put($"key/{i:0000000}");
        }
        return state;
    });

    private static Task<NarrowedTable> NarrowAsync(string table, ViewMember left, ViewMember right) =>
        new TableNarrowing(table, left, right, CancellationToken.None).RunAsync(left.SumOf(table).Count, right.SumOf(table).Count);

    private static (ViewMember Left, ViewMember Right) Differing(Action<AppliedState> change)
    {
        var left = new ViewMember("n1", Million.Value.View);
        change(Million.Value);
        return (left, new ViewMember("n2", Million.Value.View));
    }

    [Test]
    public async Task One_difference_among_a_million_keys_takes_four_questions_of_each_member()
    {
        var (left, right) = Differing(state => state.Put("key/0654321", "x"));
        var narrowed = await NarrowAsync("keys", left, right);
        Assert.That(narrowed.Items.Single().Name, Is.EqualTo("key \"key/0654321\""));
        Assert.That((narrowed.More, narrowed.IsExact, narrowed.Failure), Is.EqualTo((0, true, "")));
        Assert.That((left.Questions, right.Questions), Is.EqualTo((4, 4)));
    }

    [Test]
    public async Task Ten_scattered_differences_among_a_million_keys_take_hardly_more_than_one()
    {
        var places = Enumerable.Range(0, 10).Select(i => $"key/{(i * 99_991) + 17:0000000}").ToList();
        var (left, right) = Differing(state => places.ForEach(key => state.Put(key, "y")));
        var narrowed = await NarrowAsync("keys", left, right);
        Assert.That(narrowed.Items.Select(item => item.Name), Is.EqualTo(places.Select(key => $"key \"{key}\"")));
        Assert.That((narrowed.More, narrowed.IsExact, narrowed.Failure), Is.EqualTo((0, true, "")));
        Assert.That((left.Questions, right.Questions), Is.EqualTo((4, 4)));
    }

    [Test]
    public async Task The_first_ten_of_a_million_differences_are_found_as_soon_and_the_others_counted()
    {
        var left = new ViewMember("n1", Million.Value.View);
        var right = new ViewMember("n2", new AppliedState().View);
        foreach (var (one, other) in (IEnumerable<(ViewMember, ViewMember)>)[(left, right), (right, left)])
        {
            var narrowed = await NarrowAsync("keys", one, other);
            Assert.That(narrowed.Items.Select(item => item.Name), Is.EqualTo(Enumerable.Range(0, 10).Select(i => $"key \"key/{i:0000000}\"")));
            Assert.That((narrowed.More, narrowed.Failure), Is.EqualTo((Many - 10, "")));
        }
        Assert.That((left.Questions, right.Questions), Is.EqualTo((8, 8)), "four for each direction");
        Assert.That(left.LargestAnswer, Is.LessThan(1 << 20));
    }

    [Test]
    public async Task Whatever_differs_between_two_drawn_states_is_found([Range(1, 40)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var (one, other) = (new AppliedState(), new AppliedState());
        var keys = random.Next(1, 1_500);
        for (var i = 0; i < keys; i++)
        {
            var key = $"k{random.Next(1_000)}";
            foreach (var state in (AppliedState[])[one, other])
            {
                state.Put(key, $"{i}");
                state.Do(new AcquireCommand(Key.FromText($"l{i % 70}"), "o", 10_000_000, new LeaseId(i + 1), LeaseId.None, i % 2 * 60_000_000L), $"id{i % 300}");
            }
        }
        var changes = seed % 3 == 0 ? random.Next(4) : random.Next(1, 120);
        for (var i = 0; i < changes; i++)
        {
            var state = random.Chance(1, 2) ? one : other;
            var key = $"k{random.Next(1_000)}";
            if (random.Chance(1, 2))
            {
                state.Delete(key);
            }
            else
            {
                state.Put(key, "other");
            }
        }
        // Another tree with the same content.
        var buffer = new SnapshotBuffer();
        SnapshotWriter.Write(other.View, buffer);
        var (left, right) = (one.View, ReplicatedState.Restore(Limits.Default, buffer).TakeView());
        foreach (var (leftTable, rightTable) in ComparedTables.Of(left).Zip(ComparedTables.Of(right)).Where(pair => pair.First.Sum != pair.Second.Sum))
        {
            var expected = Differences(leftTable, rightTable);
            var narrowed = await NarrowAsync(leftTable.Name, new ViewMember("n1", left), new ViewMember("n2", right));
            Assert.That(narrowed.Failure, Is.Empty, leftTable.Name);
            Assert.That(
                narrowed.Items.Select(item => (item.Name, item.Left?.Digest, item.Right?.Digest)),
                Is.EqualTo(expected.Take(TableNarrowing.Most)),
                leftTable.Name);
            // The history counts changes, of which a revision may have several.
            Assert.That(narrowed.Items.Count + narrowed.More, Is.LessThanOrEqualTo(expected.Count), leftTable.Name);
            Assert.That(!narrowed.IsExact || narrowed.Items.Count + narrowed.More == expected.Count, leftTable.Name);
            Assert.That(narrowed.IsExact || expected.Count > TableNarrowing.Most, leftTable.Name);
        }
    }

    [Test]
    public async Task A_member_that_does_not_answer_any_more_ends_the_search_with_what_was_found_so_far()
    {
        var (left, right) = Small();
        right.OnAnswer = (_, answer) => answer.Ranges[0].Items is null
            ? null
            : ApiResult<TableRangesAnswer>.Failed(new ApiProblem(ApiFailureKind.Refused, 410, "compacted", "this member does not keep its state any more."));
        var narrowed = await NarrowAsync("keys", left, right);
        Assert.That(narrowed.Failure, Is.EqualTo("n2: this member does not keep its state any more"));
        Assert.That((narrowed.Items.Count, narrowed.More, narrowed.IsExact), Is.EqualTo((0, 1, false)));
    }

    [Test]
    public async Task A_member_that_answers_nonsense_ends_the_search()
    {
        foreach (var nonsense in new Func<TableRangesAnswer, TableRangesAnswer>[]
        {
            answer => answer with { Ranges = [] },
            answer => answer with { Ranges = [.. answer.Ranges, .. answer.Ranges, .. Enumerable.Repeat(answer.Ranges[0], 20)] },
            answer => answer with { Ranges = [.. answer.Ranges.Select(range => range with { Sums = range.Sums is null ? null : [] })] },
            answer => answer with { Ranges = [.. answer.Ranges.Select(range => range with { Sums = null })] },
        })
        {
            var (left, right) = Small();
            right.OnAnswer = (_, answer) => ApiResult<TableRangesAnswer>.Of(nonsense(answer), "");
            var narrowed = await NarrowAsync("keys", left, right);
            Assert.That(narrowed.Failure, Does.EndWith("an answer does not fit its question"));
            Assert.That(narrowed.More, Is.EqualTo(1));
        }
    }

    [Test]
    public async Task A_member_whose_parts_are_alike_though_the_whole_is_not_ends_the_search()
    {
        var (left, right) = Small();
        right.OnAnswer = (table, answer) => ApiResult<TableRangesAnswer>.Of(left.Answer(new TableRangesRequest(answer.Index, table, [new TableRangeRequest { Parts = 32 }])), "");
        var narrowed = await NarrowAsync("keys", left, right);
        Assert.That(narrowed.Failure, Is.EqualTo("a range differs, and its parts do not"));
        Assert.That((narrowed.More, narrowed.IsExact), Is.EqualTo((1, false)));
    }

    private static (ViewMember Left, ViewMember Right) Small()
    {
        var state = new AppliedState();
        for (var i = 0; i < 200; i++)
        {
            state.Put($"k{i:000}");
        }
        var left = new ViewMember("n1", state.View);
        state.Put("k050", "other");
        return (left, new ViewMember("n2", state.View));
    }

    /// <summary>In the order of both tables: how many records of each stand before it.</summary>
    private static List<(string Name, string? Left, string? Right)> Differences(ComparedTable left, ComparedTable right)
    {
        var (lefts, rights) = (left.Items(default).ToDictionary(PlaceOf), right.Items(default).ToDictionary(PlaceOf));
        return [.. lefts.Values.Concat(rights.Values).DistinctBy(PlaceOf)
            .Select(item => (Item: item, Left: lefts.GetValueOrDefault(PlaceOf(item)), Right: rights.GetValueOrDefault(PlaceOf(item))))
            .Where(each => each.Left?.Digest != each.Right?.Digest)
            .OrderBy(each => left.SumOf(new PlaceRange(null, each.Item.Place)).Count).ThenBy(each => right.SumOf(new PlaceRange(null, each.Item.Place)).Count)
            .Select(each => (each.Item.Name, each.Left is { } l ? TextOf(l) : null, each.Right is { } r ? TextOf(r) : null))];
    }

    private static string PlaceOf(ComparedItem item) => Convert.ToBase64String(item.Place.Span);

    private static string TextOf(ComparedItem item) => $"{item.Digest:x16}";

    private sealed class SnapshotBuffer : ISnapshotSink, ISnapshotSource
    {
        private readonly Queue<(int Kind, byte[] Body)> _sections = new();

        public void Section(int kind, ReadOnlySpan<byte> body) => _sections.Enqueue((kind, body.ToArray()));

        public bool NextSection(out int kind, out ReadOnlyMemory<byte> body)
        {
            var found = _sections.TryDequeue(out var section);
            (kind, body) = (section.Kind, section.Body);
            return found;
        }
    }
}
