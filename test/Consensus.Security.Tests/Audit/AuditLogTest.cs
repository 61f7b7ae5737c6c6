using System.Text.Json;
using Consensus.Security.Audit;
using Consensus.Server.Audit;

namespace Consensus.Security.Tests.Audit;

/// <summary>A test of a log in a directory of its own, on a clock that is moved.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal abstract class AuditLogTest
{
    protected List<(bool IsWarning, string Sentence)> Said { get; } = [];
    protected TemporaryDirectory Place { get; private set; } = null!;
    protected ManualClock Clock { get; private set; } = null!;
    protected string LogPath { get; private set; } = "";

    [SetUp]
    public void Make()
    {
        (Place, Clock) = (new TemporaryDirectory(), new ManualClock());
        LogPath = Path.Combine(Place.Path, "audit", "audit.log");
        Said.Clear();
    }

    [TearDown]
    public void Remove() => Place.Dispose();

    protected AuditLog Log(IAuditFile? file = null, long mostHeld = 16 << 20, long rotateAt = AuditLog.MostFileBytes) =>
        new(file ?? new AuditFile(LogPath, "n1"), "n1", "c1", Clock, mostHeld, (isWarning, sentence) => Said.Add((isWarning, sentence)))
        {
            RotateAtBytes = rotateAt,
        };

    protected AuditLog Opened(IAuditFile? file = null, long mostHeld = 16 << 20, long rotateAt = AuditLog.MostFileBytes)
    {
        var log = Log(file, mostHeld, rotateAt);
        log.Open("1", "admin");
        log.Turn();
        return log;
    }

    protected static AuditRecord Record(string name = "a") => new(AuditEvent.Request, DateTimeOffset.UnixEpoch) { Name = name };

    protected string[] Files() => [.. Directory.GetFiles(Path.GetDirectoryName(LogPath)!, "audit.log*")];

    protected static List<JsonElement> Records(params string[] paths) =>
    [
        .. AuditVerification.InOrder(paths).SelectMany(File.ReadAllLines)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.TryGetProperty("seq", out _)),
    ];

    protected List<string> Events() => [.. Records(Files()).Select(record => record.GetProperty("event").GetString()!)];

    protected void AssertWhole() => Assert.That(AuditVerification.Verify(Files()).Wrong, Is.Empty);

    /// <summary>A second passes, and the writing thread looks.</summary>
    protected void Second(AuditLog log)
    {
        Clock.Advance(AuditLog.LookEvery);
        log.Turn();
    }
}
