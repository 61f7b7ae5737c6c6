using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Consensus.Architecture.Tests;

/// <summary>The arrows of docs/architecture.md, and rules of the house that no analyzer knows.</summary>
public sealed partial class ArrowTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Primitives"] = [],
        ["Raft"] = ["Primitives"],
        ["StateMachine"] = ["Primitives"],
        ["Node"] = ["Primitives", "Raft", "StateMachine"],
        ["Storage"] = ["Primitives", "Raft", "StateMachine", "Node"],
        ["Security"] = ["Primitives"],
        ["Transport"] = ["Primitives", "Raft", "StateMachine", "Node", "Security"],
        ["Api"] = [],
        ["Translation"] = ["Primitives", "StateMachine", "Api"],
        ["Server"] = ["Primitives", "Raft", "StateMachine", "Node", "Storage", "Security", "Transport", "Api", "Translation"],
        ["Client"] = ["Api", "Security"],
        // The fake for users' tests: the state machine behind the client's handles, and no server.
        ["Client.Testing"] = ["Primitives", "StateMachine", "Api", "Translation", "Client"],
        ["Cli"] = ["Client", "Api", "Security", "Storage"],
    };

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    private static IEnumerable<string> Sources(string under) => Directory
        .EnumerateFiles(Path.Combine(Root(), under), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal));

    [Test]
    public void Every_room_refers_only_to_the_rooms_it_may()
    {
        var rooms = Directory.GetDirectories(Path.Combine(Root(), "src")).Select(d => Path.GetFileName(d)["Consensus.".Length..]);
        Assert.That(rooms, Is.EquivalentTo(Allowed.Keys));
        foreach (var (room, allowed) in Allowed)
        {
            var project = File.ReadAllText(Path.Combine(Root(), "src", $"Consensus.{room}", $"Consensus.{room}.csproj"));
            var arrows = Reference().Matches(project).Select(m => m.Groups[1].Value);
            Assert.That(arrows, Is.SubsetOf(allowed), room);
        }
    }

    [Test]
    public void The_pure_rooms_are_under_the_banned_list()
    {
        var targets = File.ReadAllText(Path.Combine(Root(), "src", "Directory.Build.targets"));
        foreach (var room in new[] { "Primitives", "Raft", "StateMachine" })
        {
            Assert.That(targets, Does.Contain($"'Consensus.{room}'"));
        }
    }

    /// <summary>A thread that is made otherwise has no last catch, and aborts the process without a sentence.</summary>
    [Test]
    public void Every_thread_of_a_member_is_made_with_a_last_catch()
    {
        var makers = new[] { "Node", "Storage", "Transport", "Server" }
            .SelectMany(room => Sources($"src/Consensus.{room}"))
            .Where(path => MakesThread().IsMatch(File.ReadAllText(path)));
        Assert.That(makers.Select(Path.GetFileName), Is.EqualTo(new[] { "GuardedThread.cs" }));
    }

    [Test]
    public void No_file_holds_two_ideas_by_its_length() =>
        Assert.That(Sources("src").Where(path => File.ReadLines(path).Count() > 500), Is.Empty);

    [Test]
    public void Nothing_in_the_product_is_left_for_later() =>
        Assert.That(Sources("src").Where(path => Later().IsMatch(File.ReadAllText(path))), Is.Empty);

    [GeneratedRegex("ProjectReference Include=\"\\.\\./Consensus\\.([\\w.]+)/")]
    private static partial Regex Reference();

    [GeneratedRegex(@"new Thread\(|Thread [_a-z]\w* = new\(|static Thread \w+\([^;]*=>\s*new\(")]
    private static partial Regex MakesThread();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK)\b|NotImplementedException|contract only")]
    private static partial Regex Later();
}
