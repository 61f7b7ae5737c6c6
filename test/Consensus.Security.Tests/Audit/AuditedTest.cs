using System.Text.Json;
using Consensus.Security.Audit;
using Consensus.Security.Tests.Access;
using Consensus.Server;
using Consensus.Server.Audit;

namespace Consensus.Security.Tests.Audit;

/// <summary>A test against a server of a cluster that judges rights, and that keeps an audit log.</summary>
internal abstract class AuditedTest : AccessTest
{
    private readonly TemporaryDirectory _directory = new();

    protected const string Secret = "c4n4ry-v4lue";

    /// <summary>Set by a test: the log's disk says this from here on.</summary>
    protected FaultyAuditFile File { get; private set; } = null!;

    protected AuditTrail Trail { get; private set; } = null!;

    protected virtual string Levels => "admin";

    protected virtual bool IsRequired => false;

    protected string LogText => System.IO.File.ReadAllText(File.Path);

    protected override ServerInfo With(ServerInfo info)
    {
        File = new FaultyAuditFile(new AuditFile(Path.Combine(_directory.Path, Guid.NewGuid().ToString("n")), "n1"));
        var log = new AuditLog(File, "n1", Node.Status.Cluster.ToString(), Clock, 16 << 20, (_, _) => { });
        log.Open("1", Levels);
        var levels = AuditLevels.Read(Levels, out var mistake);
        Assert.That(mistake, Is.Null);
        Trail = new AuditTrail(log, levels!.Value, IsRequired, Node, Clock);
        log.Start((what, failure) => Assert.Fail($"{what}: {failure}"));
        Tls.TurnedAway = Trail.TurnedAway;
        return info with { Audit = Trail };
    }

    [TearDown]
    public void EndLog()
    {
        Trail.Log.Dispose();
        File.Dispose();
    }

    [OneTimeTearDown]
    public void Remove() => _directory.Dispose();

    /// <summary>All records but the first, which says that it began.</summary>
    protected List<JsonElement> Records()
    {
        // The last line may be on its way still.
        var text = LogText;
        var lines = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Skip(2).Select(static line => JsonDocument.Parse(line).RootElement)];
    }

    /// <summary>Once there are so many: a record comes behind its answer.</summary>
    protected List<JsonElement> Records(int count)
    {
        Patience.Until(() => Records().Count >= count, $"{count} records");
        var records = Records();
        Assert.That(records, Has.Count.EqualTo(count), LogText);
        Assert.That(AuditVerification.Verify([File.Path]).Wrong, Is.Empty);
        return records;
    }

    protected static string? Text(JsonElement record, string name) =>
        record.TryGetProperty(name, out var value) ? value.ToString() : null;

    protected static string Line(JsonElement record, params string[] names) =>
        string.Join(' ', names.Select(name => Text(record, name) ?? "-"));
}
