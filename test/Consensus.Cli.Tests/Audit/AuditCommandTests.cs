using System.Buffers;
using System.Text;
using System.Text.Json;
using Consensus.Cli.Tests.Support;
using Consensus.Security.Audit;

namespace Consensus.Cli.Tests.Audit;

internal sealed class AuditCommandTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:1");

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void MakeDirectory() => _directory = new TemporaryDirectory();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    private static Task<CliRun> RunAsync(params string[] arguments) => Ctl.RunAsync(Nowhere, ["audit", .. arguments]);

    private string Write(string name, params string[] lines)
    {
        var path = Path.Combine(_directory.Path, name);
        File.WriteAllText(path, string.Concat(lines.Select(line => line + "\n")));
        return path;
    }

    private static string[] Lines(params string[] names)
    {
        var (to, head) = (new ArrayBufferWriter<byte>(), AuditHead.Empty);
        AuditLine.WriteHeader(to, "n1", "c1", head);
        foreach (var name in names)
        {
            head = AuditLine.Write(
                to,
                "n1",
                "c1",
                new AuditRecord(AuditEvent.Denied, DateTimeOffset.UnixEpoch)
                {
                    Principal = "svc",
                    Route = "/v1/kv/{key}",
                    Name = name,
                    Status = 403
                },
                head);
        }
        return Encoding.UTF8.GetString(to.WrittenSpan).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Test]
    public async Task What_is_whole_is_exit_code_0_and_what_is_not_is_named()
    {
        var lines = Lines("a", "b", "c");
        var path = Write("audit.log", lines);
        var run = await RunAsync("verify", _directory.Path);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Output, Is.EqualTo($"FILE\tMEMBER\tRECORDS\tFIRST\tLAST\n{path}\tn1\t3\t1\t3\n"));
        Write("audit.log", [lines[0], lines[1], lines[3]]);
        run = await RunAsync("verify", path);
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Output, Does.EndWith($"Wrong: record 2 is missing before {path} line 3.\n"));
        var json = JsonDocument.Parse((await RunAsync("verify", path, "-o", "json")).Output).RootElement;
        Assert.That(json.GetProperty("wrong")[0].GetString(), Is.EqualTo($"record 2 is missing before {path} line 3"));
        Assert.That(json.GetProperty("files")[0].GetProperty("records").GetInt64(), Is.EqualTo(2));
    }

    [Test]
    public async Task A_file_that_is_not_there_and_an_empty_directory_are_exit_code_1()
    {
        var run = await RunAsync("verify", Path.Combine(_directory.Path, "none"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Error, Does.StartWith("consensusctl: ").And.Contain("none"));
        Assert.That((await RunAsync("verify", _directory.Path)).ExitCode, Is.EqualTo(1));
        Assert.That((await RunAsync("verify")).ExitCode, Is.EqualTo(2));
    }

    [Test]
    public async Task Row_47_What_would_steer_a_terminal_is_escaped()
    {
        var lines = Lines("a\u001b[2J\n\tb", "ok");
        var raw = lines[2].Replace("\"ok\"", "\"\u009b31m\"");
        var path = Write("audit.log", [lines[0], lines[1], raw, "\u001b[31mno record"]);
        var run = await RunAsync("show", path);
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Error, Is.EqualTo($"consensusctl: {path} line 4 is no record.\n"));
        Assert.That(run.Output, Is.EqualTo(
            "TIME\tEVENT\tPRINCIPAL\tREMOTE\tMETHOD\tROUTE\tNAME\tDECISION\tSTATUS\n"
            + "1970-01-01T00:00:00.000Z\tdenied\tsvc\t-\t-\t/v1/kv/{key}\ta\\u001b[2J\\n\\tb\t-\t403\n"
            + "1970-01-01T00:00:00.000Z\tdenied\tsvc\t-\t-\t/v1/kv/{key}\t\\u009b31m\t-\t403\n"));
        var json = await RunAsync("show", path, "-o", "json");
        Assert.That(json.Output.Any(character => character is not '\n' && char.IsControl(character)), Is.False);
    }
}
