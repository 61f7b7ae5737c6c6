using System.Net;
using System.Text.RegularExpressions;
using Consensus.Documents;
using Consensus.Server.Options;

namespace Consensus.Server.Tests.Options;

/// <summary>A start that a page shows is one that the server takes, and that makes a member which others reach.</summary>
internal sealed partial class ShownStartTests
{
    private static IEnumerable<TestCaseData> Starts() => ShownCommands.Of("consensusd")
        .Select(shown => (shown.Path, Line: string.Join(' ', shown.Arguments)))
        .Distinct()
        .Select(shown => new TestCaseData(shown.Line).SetArgDisplayNames(shown.Path, shown.Line));

    private static ServerOptions Read(string arguments) => ServerOptionsReader.Read(arguments.Split(' '), _ => null);

    [TestCaseSource(nameof(Starts))]
    public void A_start_that_a_page_shows_is_taken_and_listens_where_the_others_are_told_that_it_does(string arguments)
    {
        if (arguments is "--help" or "--version")
        {
            return;
        }
        var options = Read(arguments);
        var others = options.Join.Concat(options.InitialCluster.Select(member => member.PeerAddress))
            .Select(address => IPEndPoint.Parse(address));
        if (others.Any(other => !IPAddress.IsLoopback(other.Address)))
        {
            Assert.That(IPAddress.IsLoopback(options.ListenPeer.Address), Is.False, "nobody else could dial it");
            Assert.That(IPAddress.IsLoopback(options.ListenClient.Address), Is.False, "no other machine could ask it");
        }
    }

    [Test]
    public void The_configuration_file_that_is_shown_says_what_the_shown_command_line_says()
    {
        var page = File.ReadAllText(Path.Combine(ShownCommands.Root, "docs", "operations.md"));
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "consensus.json");
        File.WriteAllText(file, JsonBlock().Match(page).Groups[1].Value);
        var line = ShownCommands.Of("consensusd")
            .First(shown => shown.Path == "docs/operations.md" && shown.Arguments.Contains("--initial-cluster"));
        var (told, typed) = (Read($"--config {file}"), Read(string.Join(' ', line.Arguments)));
        Assert.That(told.InitialCluster, Is.EqualTo(typed.InitialCluster).And.Length.EqualTo(3));
        Assert.That(
            told with { InitialCluster = typed.InitialCluster, PeerAddresses = typed.PeerAddresses, Join = typed.Join },
            Is.EqualTo(typed with { InitialSettings = told.InitialSettings, AllowedHosts = told.AllowedHosts }));
    }

    [GeneratedRegex("```json\n(.+?)\n```", RegexOptions.Singleline)]
    private static partial Regex JsonBlock();
}
