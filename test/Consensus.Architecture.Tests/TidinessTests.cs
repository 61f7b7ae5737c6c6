using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Consensus.Architecture.Tests;

/// <summary>
/// Ratchets: what is untidy today may become tidier and never worse. Whoever mends something makes its number smaller here, or takes its name away.
/// </summary>
public sealed partial class TidinessTests
{
    private const int WidestLine = 140;
    private const int LongestType = 400;

    /// <summary>Types of more than 400 lines, over all their parts.</summary>
    private static readonly Dictionary<string, int> LargeTypes = new()
    {
        ["src/Consensus.Raft/RaftNode"] = 1_977,
        ["src/Consensus.Client/ConsensusApiClient"] = 881,
        ["test/Consensus.Client.Tests/ClientContract"] = 720,
        ["test/Consensus.Simulation/SimulationRun"] = 627,
        ["src/Consensus.Client.Testing/InMemoryApi"] = 580,
        ["test/Consensus.Simulation/SimulatedProcess"] = 605,
        ["src/Consensus.Client/ConsensusClient"] = 525,
        ["test/Consensus.StateMachine.Tests/FinalAnswerTests"] = 495,
        ["test/Consensus.Transport.Tests/SnapshotTests"] = 436,
        ["test/Consensus.Simulation/VirtualClient"] = 433,
        ["src/Consensus.Server/StrictObjectReader"] = 423,
        ["test/Consensus.Simulation/CoordinationWorkload"] = 443,
        ["test/Consensus.Raft.Tests/ReadIndexTests"] = 420,
        ["test/Consensus.Raft.Tests/Simulator"] = 414,
        ["test/Consensus.Simulation/SimulatedNetwork"] = 406,
    };

    /// <summary>Names that types of several projects of the product have: who reads one has to know whose it is.</summary>
    private static readonly string[] TwinNames =
    [
        "Deadline", "Durations", "Hold", "HoldOptions", "KeepAliveProbes", "KeyChange", "KeyText", "Libc",
        "Names", "Outage", "ReadOptions", "RequestIdentity", "SizeText", "TxnCommand", "WatchMessage",
    ];

    /// <summary>Types of the product that nothing names: their members are called as extensions.</summary>
    private static readonly string[] NamedNowhere = ["ConsensusServiceCollectionExtensions", "RejectionAnswers"];

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    private static IEnumerable<(string Path, string[] Lines)> Sources(string folder) => Directory
        .EnumerateFiles(Path.Combine(Root(), folder), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
        .Select(path => (Path.GetRelativePath(Root(), path), File.ReadAllLines(path)));

    /// <summary>The types that are declared at the left margin, with their lines and where.</summary>
    private static IEnumerable<(string Name, string Project, int Lines)> Types(string folder) =>
        from source in Sources(folder)
        let project = string.Join('/', source.Path.Split('/')[..2])
        let starts = source.Lines.Select((line, index) => (Match: Declaration().Match(line), Index: index)).Where(start => start.Match.Success).ToList()
        from start in starts.Select((start, number) => (start.Match, Count: (number + 1 < starts.Count ? starts[number + 1].Index : source.Lines.Length) - start.Index))
        select (start.Match.Groups["name"].Value, project, start.Count);

    /// <param name="most">Lines of more than 140 columns.</param>
    [TestCase("src", 1_745)]
    [TestCase("test", 2_030)]
    [TestCase("samples", 8)]
    public void Lines_become_no_wider(string folder, int most) =>
        Assert.That(Sources(folder).Sum(source => source.Lines.Count(line => line.Length > WidestLine)), Is.LessThanOrEqualTo(most));

    [Test]
    public void Types_become_no_larger()
    {
        var large = new[] { "src", "test" }
            .SelectMany(Types)
            .GroupBy(type => (type.Name, type.Project))
            .Select(type => (type.Key.Name, type.Key.Project, Lines: type.Sum(part => part.Lines)))
            .Where(type => type.Lines > Math.Max(LongestType, LargeTypes.GetValueOrDefault(type.Project + "/" + type.Name)))
            .Select(type => $"{type.Project}/{type.Name}: {type.Lines} lines");
        Assert.That(large, Is.Empty, "give its parts their own state");
    }

    [Test]
    public void No_two_types_of_the_product_have_the_same_name() => Assert.That(
        Types("src").GroupBy(type => type.Name).Where(type => type.Select(part => part.Project).Distinct().Count() > 1).Select(type => type.Key),
        Is.EquivalentTo(TwinNames));

    [Test]
    public void Nothing_is_declared_that_nothing_names()
    {
        var uses = Sources("src").Concat(Sources("test")).Concat(Sources("samples"))
            .Where(source => !source.Path.EndsWith(nameof(TidinessTests) + ".cs", StringComparison.Ordinal))
            .SelectMany(source => source.Lines)
            .SelectMany(line => Word().Matches(line).Select(word => word.Value).Distinct())
            .CountBy(word => word)
            .ToDictionary();
        Assert.That(Types("src").Select(type => type.Name).Where(name => uses[name] == 1), Is.EquivalentTo(NamedNowhere));
    }

    [TestCase("public sealed partial class Name", "Name")]
    [TestCase("internal readonly record struct Pair<TKey, TValue>(TKey Key)", "Pair")]
    [TestCase("public delegate Task<bool> Ask(string what);", "Ask")]
    [TestCase("enum Kind", "Kind")]
    public void A_declaration_is_seen(string line, string name) => Assert.That(Declaration().Match(line).Groups["name"].Value, Is.EqualTo(name));

    [GeneratedRegex(@"^(?:(?:public|internal|file|static|sealed|abstract|partial|readonly|ref|unsafe) )*(?:class|struct|interface|enum|record(?: struct| class)?|delegate [^(]+?) (?<name>\w+)\b")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
