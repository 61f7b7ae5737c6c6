using System.Text.Json;
using Consensus.Cli.Tests.Support;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Cli.Tests.Checks;

/// <summary>What <c>check consistency</c> says of members in different states.</summary>
internal sealed class DifferenceTests
{
    private FakeMembers _cluster = null!;
    private AppliedState _state = null!;

    [SetUp]
    public void Begin()
    {
        _cluster = new FakeMembers();
        _state = new AppliedState();
        for (var i = 0; i < 500; i++)
        {
            _state.Put($"k{i:000}", "value");
        }
        _cluster.Members[2].Hash = "0000000000000bad";
    }

    [TearDown]
    public void End() => _cluster.Dispose();

    /// <summary>n1 and n2 have the state as it is now; n3 has what comes then.</summary>
    private void LetDiffer(Action change)
    {
        var before = _state.View;
        change();
        var after = _state.View;
        for (var i = 0; i < 3; i++)
        {
            _cluster.Members[i].Tables = new ViewMember($"n{i + 1}", i < 2 ? before : after);
        }
    }

    private async Task<JsonElement> JsonAsync()
    {
        var run = await Ctl.RunAsync(_cluster.Endpoint(0), "check", "consistency", "-o", "json");
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Error);
        using var document = JsonDocument.Parse(run.Output);
        return document.RootElement.Clone();
    }

    [Test]
    public async Task The_record_that_differs_is_named_with_what_each_side_has()
    {
        LetDiffer(() =>
        {
            _state.Put("k123", "another");
            _state.Delete("k400");
            _state.Do(new GrantLeaseCommand(new LeaseId(0xab), 5_000_000));
        });
        var run = await Ctl.RunAsync(_cluster.Endpoint(0), "check", "consistency");
        Assert.That(run.ExitCode, Is.EqualTo(1), run.Error);
        var lines = run.Output.Split('\n').SkipWhile(line => !line.StartsWith("What differs", StringComparison.Ordinal)).ToList();
        Assert.That(lines[0], Is.EqualTo("What differs at index 100:"));
        Assert.That(lines, Does.Contain("keys: n3 differs from n1 and n2 in 2 records."));
        Assert.That(lines, Does.Contain(
            "  key \"k123\": n1 and n2 have revision 125, version 1, created at revision 125, 5 bytes; n3 has revision 502, version 2, created at revision 125, 7 bytes"));
        Assert.That(lines, Does.Contain("  key \"k400\": n1 and n2 have revision 402, version 1, created at revision 402, 5 bytes; n3 has none"));
        Assert.That(lines, Does.Contain("leases: n3 differs from n1 and n2 in 1 record."));
        Assert.That(lines, Does.Contain("  lease ab: n1 and n2 have none; n3 has ttl 5000 ms, until cluster time 6000 ms"));
        Assert.That(lines, Does.Contain("  revision: n1 and n2 have 501; n3 has 503"));
        Assert.That(lines, Does.Contain("history: n3 differs from n1 and n2 in 2 records."));
    }

    [Test]
    public async Task Json_has_the_first_ten_records_of_a_table_and_how_many_more()
    {
        LetDiffer(() => _state.Do(new DeletePrefixCommand(Key.FromText("k"))));
        var told = await JsonAsync();
        Assert.That(told.GetProperty("comparedAt").GetInt64(), Is.EqualTo(100));
        var keys = told.GetProperty("differences").EnumerateArray().Single(table => table.GetProperty("table").GetString() == "keys");
        Assert.That(keys.GetProperty("left").EnumerateArray().Select(name => name.GetString()), Is.EqualTo(new[] { "n1", "n2" }));
        Assert.That(keys.GetProperty("right").EnumerateArray().Select(name => name.GetString()), Is.EqualTo(new[] { "n3" }));
        var items = keys.GetProperty("items").EnumerateArray().ToList();
        Assert.That(items.Select(item => item.GetProperty("name").GetString()), Is.EqualTo(Enumerable.Range(0, 10).Select(i => $"key \"k{i:000}\"")));
        Assert.That(items[0].GetProperty("right").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(items[0].GetProperty("left").GetString(), Does.StartWith("revision 2, "));
        Assert.That(keys.GetProperty("more").GetInt64(), Is.EqualTo(490));
        Assert.That(keys.GetProperty("failure").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public async Task Members_that_are_past_the_index_are_asked_about_one_that_is_ahead_of_them()
    {
        LetDiffer(() => _state.Put("k001", "other"));
        foreach (var member in _cluster.Members)
        {
            member.AppliedBetweenLooks = 50;
            member.OnTables = index => index < member.Applied ? FakeAnswer.Problem(410, "compacted", "this member is past the index") : null;
        }
        var told = await JsonAsync();
        Assert.That(told.GetProperty("differences").GetArrayLength(), Is.GreaterThan(0), told.ToString());
        var asked = _cluster.Members[0].TablesAsked;
        Assert.That(_cluster.Members.Select(member => member.TablesAsked), Is.All.EqualTo(asked));
        Assert.That(asked, Has.Count.InRange(2, 4));
        Assert.That(told.GetProperty("comparedAt").GetInt64(), Is.EqualTo(asked[^1]));
    }

    [Test]
    public async Task Members_that_stand_still_short_of_the_index_are_asked_about_where_they_are()
    {
        LetDiffer(() => _state.Put("k001", "other"));
        var isPast = true;
        foreach (var member in _cluster.Members)
        {
            member.OnTables = index => index > member.Applied ? FakeAnswer.Problem(503, "not-ready", "not applied yet")
                : Interlocked.Exchange(ref isPast, false) ? FakeAnswer.Problem(410, "compacted", "this member is past the index")
                : null;
        }
        var told = await JsonAsync();
        Assert.That(told.GetProperty("differences").GetArrayLength(), Is.GreaterThan(0), told.ToString());
        Assert.That(told.GetProperty("comparedAt").GetInt64(), Is.EqualTo(100));
    }

    [Test]
    public async Task Equal_tables_under_different_hashes_are_told_as_such()
    {
        LetDiffer(() => { });
        var run = await Ctl.RunAsync(_cluster.Endpoint(0), "check", "consistency");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.Contain("At index 100 all have the same in their tables"));
    }

    [Test]
    public async Task A_member_that_does_not_tell_its_tables_is_named_and_the_others_are_compared()
    {
        LetDiffer(() => _state.Put("k001", "other"));
        _cluster.Members[1].Tables = null;
        var run = await Ctl.RunAsync(_cluster.Endpoint(0), "check", "consistency");
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.Contain("What n2 has in its tables is not known (no such path): check again."));
        Assert.That(run.Output, Does.Contain("  key \"k001\": n1 has ").And.Contain("keys: n3 differs from n1 in 1 record."));
    }
}
