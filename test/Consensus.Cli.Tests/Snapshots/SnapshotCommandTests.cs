using System.Text.Json;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Snapshots;

internal sealed class SnapshotCommandTests
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:1");

    private string _directory = "";

    private string FileName => Path.Combine(_directory, "backup");

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("consensus-cli-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    private static FakeServer Serving(FakeAnswer answer) => new(request => request.Path == "/v1/snapshot" ? answer : new FakeAnswer(404));

    private async Task<byte[]> SaveAsync()
    {
        var bytes = BackupBytes.Make();
        await File.WriteAllBytesAsync(FileName, bytes);
        return bytes;
    }

    [Test]
    public async Task Save_writes_what_the_member_sends_and_says_what_it_is()
    {
        var bytes = BackupBytes.Make();
        using var server = Serving(new FakeAnswer(200, ContentType: "application/octet-stream") { Raw = bytes });
        var run = await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(await File.ReadAllBytesAsync(FileName), Is.EqualTo(bytes));
        Assert.That(OperatingSystem.IsLinux() && File.GetUnixFileMode(FileName) == (UnixFileMode.UserRead | UnixFileMode.UserWrite), "it is for its owner only");
        var lines = run.Output.TrimEnd().Split('\n');
        Assert.That(lines[0], Is.EqualTo("FILE\tSIZE\tCLUSTER\tINDEX\tTERM\tREVISION\tKEYS\tLEASES\tLOCKS\tCHECKSUM"));
        Assert.That(lines[1], Does.Match($"^{FileName}\t[0-9]+ B\t00000000000000c1\t3\t2\t4\t2\t1\t1\tverified$"));
        Assert.That(run.Error, Is.Empty, "no progress where standard error is no terminal");
        Assert.That(server.Requests.Single().Target, Is.EqualTo("/v1/snapshot"));
    }

    [Test]
    public async Task Save_stale_asks_for_the_copy_of_whoever_answers()
    {
        using var server = Serving(new FakeAnswer(200, ContentType: "application/octet-stream") { Raw = BackupBytes.Make() });
        var run = await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName, "--stale", "-o", "json");
        Assert.That(server.Requests.Single().Target, Is.EqualTo("/v1/snapshot?consistency=stale"));
        using var document = JsonDocument.Parse(run.Output);
        Assert.That(document.RootElement.GetProperty("index").GetInt64(), Is.EqualTo(3));
        Assert.That(document.RootElement.GetProperty("checksumVerified").GetBoolean());
    }

    [Test]
    public async Task A_stream_that_breaks_off_leaves_no_file_and_is_exit_3()
    {
        var bytes = BackupBytes.Make();
        using var server = Serving(new FakeAnswer(200, ContentType: "application/octet-stream") { Raw = bytes[..^20], Missing = 20 });
        var run = await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((3, "")));
        Assert.That(run.Error, Does.Contain("before the snapshot's end; nothing was saved."));
        Assert.That(Directory.EnumerateFileSystemEntries(_directory), Is.Empty);
    }

    [Test]
    public async Task A_stream_that_is_damaged_or_no_snapshot_leaves_no_file_and_is_exit_1()
    {
        var bytes = BackupBytes.Make();
        bytes[^30] ^= 4;
        foreach (var raw in new[] { bytes, BackupBytes.Make()[..^12], "hello"u8.ToArray() })
        {
            using var server = Serving(new FakeAnswer(200, ContentType: "application/octet-stream") { Raw = raw });
            var run = await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName);
            Assert.That((run.ExitCode, run.Output), Is.EqualTo((1, "")), run.Error);
            Assert.That(Directory.EnumerateFileSystemEntries(_directory), Is.Empty);
        }
    }

    [Test]
    public async Task No_leader_and_nobody_there_are_exit_3_and_a_file_of_another_kind_is_kept()
    {
        using var server = Serving(FakeAnswer.Problem(503, "no-leader", "no leader is known; nothing was done"));
        var run = await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName, "--timeout", "0s");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((3, "consensusctl: no leader is known; nothing was done.\n")));
        Assert.That((await Ctl.RunAsync(Nowhere, "snapshot", "save", FileName, "--timeout", "0s")).ExitCode, Is.EqualTo(3));
        await File.WriteAllTextAsync(FileName, "mine");
        run = await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName);
        Assert.That((run.ExitCode, await File.ReadAllTextAsync(FileName)), Is.EqualTo((1, "mine")), run.Error);
        Assert.That(run.Error, Does.Contain("not overwritten"));
    }

    [Test]
    public async Task Status_asks_nobody_and_names_a_damaged_file()
    {
        var bytes = await SaveAsync();
        var run = await Ctl.RunAsync(Nowhere, "snapshot", "status", FileName);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((0, run.Output)), run.Error);
        Assert.That(run.Output, Does.EndWith("\t00000000000000c1\t3\t2\t4\t2\t1\t1\tverified\n"));

        bytes[^40] ^= 1;
        await File.WriteAllBytesAsync(FileName, bytes);
        run = await Ctl.RunAsync(Nowhere, "snapshot", "status", FileName);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((1, "")));
        Assert.That(run.Error, Does.StartWith($"consensusctl: {FileName} is damaged before offset"));
        Assert.That(run.Error.Count(c => c == '\n'), Is.EqualTo(1));
        Assert.That((await Ctl.RunAsync(Nowhere, "snapshot", "status", Path.Combine(_directory, "none"))).ExitCode, Is.EqualTo(1));
        Assert.That((await Ctl.RunAsync(Nowhere, "snapshot", "status", _directory)).ExitCode, Is.EqualTo(1));
    }

    [Test]
    public async Task Restore_makes_a_directory_and_says_how_to_go_on()
    {
        await SaveAsync();
        var data = Path.Combine(_directory, "data");
        var run = await Ctl.RunAsync(Nowhere, "snapshot", "restore", FileName, "--data-dir", data, "--name", "m-1", "--cluster-token", "t");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output, Does.Contain("no longer 00000000000000c1: 1 leases, 1 holds and 0 waiting requests ended"));
        Assert.That(run.Output, Does.Contain($"consensusd --name m-1 --data-dir {data} --cluster-token …"));
        Assert.That(Directory.GetFileSystemEntries(data).Select(Path.GetFileName), Is.EquivalentTo(new[] { "identity", "lock", "snap", "wal" }));

        run = await Ctl.RunAsync(Nowhere, "snapshot", "restore", FileName, "--data-dir", data);
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Error, Is.EqualTo($"consensusctl: {data} is the data directory of 'm-1' already; a backup is restored into an empty one.\n"));
    }

    [TestCase("10.0.0.1:7380", " --listen-peer 10.0.0.1:7380 --listen-client 10.0.0.1:7379 --insecure")]
    [TestCase("[fd00::1]:7380", " --listen-peer [fd00::1]:7380 --listen-client [fd00::1]:7379 --insecure")]
    [TestCase("127.0.0.1:7480", " --listen-peer 127.0.0.1:7480")]
    [TestCase("127.0.0.1:7380", "")]
    [TestCase("localhost:7480", " --listen-peer localhost:7480")]
    [TestCase(
        "n1.example:7480",
        " --listen-peer 0.0.0.0:7480 --advertise-peer n1.example:7480"
        + " --listen-client 0.0.0.0:7379 --advertise-client http://n1.example:7379 --insecure")]
    public async Task Restore_says_with_which_addresses_the_member_is_where_the_others_are_told_that_it_is(string peer, string options)
    {
        await SaveAsync();
        var data = Path.Combine(_directory, "data");
        var run = await Ctl.RunAsync(Nowhere, "snapshot", "restore", FileName, "--data-dir", data, "--advertise-peer", peer);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output, Does.Contain($"Start it: consensusd --name n1 --data-dir {data}{options} (without --initial-cluster).\n"));
        Assert.That(run.Output, Does.Contain($"its own --name, --listen-peer and --listen-client and with --join {peer}, "));
    }

    [TestCase(1, false, "1 token is good again, also if it was revoked after the backup was taken: --drop-tokens ends it, ")]
    [TestCase(2, false, "2 tokens are good again, also those that were revoked after the backup was taken: --drop-tokens ends all, ")]
    [TestCase(1, true, "1 token was ended: ")]
    [TestCase(2, true, "2 tokens were ended: ")]
    public async Task Restore_says_what_became_of_tokens_and_how_to_come_in(int count, bool drop, string sentence)
    {
        await File.WriteAllBytesAsync(FileName, BackupBytes.WithTokens(count));
        string[] restore = ["snapshot", "restore", FileName, .. drop ? ["--drop-tokens"] : Array.Empty<string>()];
        var data = Path.Combine(_directory, "data");
        var run = await Ctl.RunAsync(Nowhere, [.. restore, "--data-dir", data, "--advertise-peer", "n1.example:7480"]);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output, Does.Contain("\n" + sentence));
        Assert.That(run.Output, Does.Contain($"consensusctl --socket {data}/admin.sock auth token create NAME --out FILE"));
        Assert.That(run.Output, Does.Contain("--cluster-token consensus "));
        Assert.That(run.Output, Does.Contain(" --advertise-client https://n1.example:7379 --tls FILE"));
        Assert.That(run.Output, Does.Not.Contain("--insecure"));

        run = await Ctl.RunAsync(Nowhere, [.. restore, "--data-dir", data + "-json", "-o", "json"]);
        using var document = JsonDocument.Parse(run.Output);
        var live = document.RootElement.GetProperty("liveTokens").GetInt64();
        var ended = document.RootElement.GetProperty("ended").GetProperty("tokens").GetInt64();
        Assert.That((live, ended), Is.EqualTo(drop ? (0L, (long)count) : (count, 0L)));
    }

    [Test]
    public async Task Restore_in_json_is_one_document()
    {
        await SaveAsync();
        var run = await Ctl.RunAsync(Nowhere, "snapshot", "restore", FileName, "--data-dir", Path.Combine(_directory, "data"), "-o", "json");
        using var document = JsonDocument.Parse(run.Output);
        Assert.That(document.RootElement.GetProperty("fromClusterId").GetString(), Is.EqualTo("00000000000000c1"));
        Assert.That(document.RootElement.GetProperty("revision").GetInt64(), Is.GreaterThan(1_700_000_000L << 20));
        Assert.That(document.RootElement.GetProperty("ended").GetProperty("holds").GetInt64(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_snapshot_is_encrypted_where_it_is_written_down_and_opened_with_its_key_only()
    {
        var keys = await KeysAsync("keys");
        using var server = Serving(new FakeAnswer(200, ContentType: "application/octet-stream") { Raw = BackupBytes.Make() });
        var run = await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName, "--encrypt-to", keys, "-o", "json");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        using (var document = JsonDocument.Parse(run.Output))
        {
            Assert.That(document.RootElement.GetProperty("encryptedWith").GetString(), Is.EqualTo("keys"));
        }
        Assert.That((await File.ReadAllBytesAsync(FileName)).AsSpan().IndexOf("127.0.0.1:7380"u8), Is.Positive, "headers are in plain");
        Assert.That((await File.ReadAllBytesAsync(FileName))[8], Is.EqualTo(2));

        run = await Ctl.RunAsync(Nowhere, "snapshot", "status", FileName);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo(
            (1, $"consensusctl: {FileName} is encrypted with the key keys, and no key file was given: "
                + "consensusd takes --encryption-key FILE, consensusctl --key-file FILE.\n")));
        run = await Ctl.RunAsync(Nowhere, "snapshot", "status", FileName, "--key-file", await KeysAsync("others"));
        Assert.That(run.Error, Does.Contain("which --key-file ").And.Contain("does not hold: put that key back there"));
        run = await Ctl.RunAsync(Nowhere, "snapshot", "status", FileName, "--key-file", keys);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((0, run.Output)), run.Error);
        Assert.That(run.Output, Does.EndWith("\t00000000000000c1\t3\t2\t4\t2\t1\t1\tverified\n"));
    }

    [Test]
    public async Task An_encrypted_snapshot_is_restored_into_a_directory_that_is_encrypted_from_the_start()
    {
        var (keys, memberKeys) = (await KeysAsync("keys"), await KeysAsync("member"));
        using var server = Serving(new FakeAnswer(200, ContentType: "application/octet-stream") { Raw = BackupBytes.Make() });
        await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName, "--encrypt-to", keys);
        var data = Path.Combine(_directory, "data");
        var run = await Ctl.RunAsync(Nowhere, "snapshot", "restore", FileName, "--data-dir", data, "--key-file", keys, "--encryption-key",
            memberKeys);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output,
            Does.Contain($"consensusd --name n1 --data-dir {data} --encryption-key {memberKeys} (without --initial-cluster)."));
        var files = Directory.GetFiles(data, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is ".wal" or ".snap")
            .ToList();
        Assert.That(files, Has.Count.EqualTo(2));
        Assert.That(files.Select(file => File.ReadAllBytes(file)[8]), Is.All.EqualTo(2));
    }

    [Test]
    public async Task A_key_file_of_others_is_refused_before_anything_is_written()
    {
        var keys = await KeysAsync("keys");
        Assert.That(OperatingSystem.IsLinux());
        if (OperatingSystem.IsLinux())
        {
            File.SetUnixFileMode(keys, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        }
        using var server = Serving(new FakeAnswer(200, ContentType: "application/octet-stream") { Raw = BackupBytes.Make() });
        var run = await Ctl.RunAsync(server.Endpoint, "snapshot", "save", FileName, "--encrypt-to", keys);
        Assert.That((run.ExitCode, run.Error),
            Is.EqualTo((1, $"consensusctl: --encrypt-to {keys} can be read or written by others (0404): chmod 600 {keys}.\n")));
        Assert.That(File.Exists(FileName), Is.False);
        Assert.That(server.Requests, Is.Empty);
    }

    /// <summary>A key file of this name with one key, whose id is the name too.</summary>
    private async Task<string> KeysAsync(string name)
    {
        var path = Path.Combine(_directory, name);
        await File.WriteAllTextAsync(path,
            $"{name} {Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32))}\n");
        if (OperatingSystem.IsLinux())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        return path;
    }

    [TestCase("snapshot", "restore", "f")]
    [TestCase("snapshot", "restore", "f", "--data-dir", "")]
    [TestCase("snapshot", "restore", "f", "--data-dir", "d", "--name", "no/name")]
    [TestCase("snapshot", "restore", "f", "--data-dir", "d", "--advertise-peer", "nohost")]
    [TestCase("snapshot", "save")]
    [TestCase("snapshot", "save", "")]
    [TestCase("snapshot")]
    public async Task What_makes_no_sense_is_exit_2(params string[] arguments)
    {
        var run = await Ctl.RunAsync(Nowhere, arguments);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error.TrimEnd().Split('\n'), Has.Length.EqualTo(1), run.Error);
    }
}
