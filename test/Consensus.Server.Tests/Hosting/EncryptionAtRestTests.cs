using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Consensus.Node.Ports;
using Consensus.Server.Cluster;
using Consensus.Server.Hosting;
using Consensus.Server.Tests.Support;
using Consensus.Storage.Encryption;

namespace Consensus.Server.Tests.Hosting;

/// <summary>Members whose data is sealed, each with keys of its own.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class EncryptionAtRestTests
{
    private const string Canary = "canary-c4n4ry";
    private string _root = "";

    [SetUp]
    public void MakeDirectory() => _root = Directory.CreateTempSubdirectory("consensus-keys-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_root, recursive: true);

    [Test]
    public async Task A_running_cluster_is_encrypted_member_by_member_and_a_snapshot_goes_from_one_key_to_another()
    {
        await using var cluster = await LocalCluster.StartAsync(3, snapshotEntries: 20);
        await LocalCluster.DoneAsync(cluster.Leader(), LocalCluster.Put("before", Canary));
        for (var index = 0; index < 3; index++)
        {
            await cluster.StopMemberAsync(index);
            await StartSealedAsync(cluster, index);
            await cluster.UntilReadyAsync();
        }
        var behind = (cluster.LeaderIndex() + 1) % 3;
        await cluster.StopMemberAsync(behind);
        for (var i = 0; i < 100; i++)
        {
            await LocalCluster.DoneAsync(cluster.Leader(), LocalCluster.Put($"k{i}", Canary));
        }
        await StartSealedAsync(cluster, behind);
        await cluster.UntilReadyAsync();
        Assert.That(await LocalCluster.GetAsync(cluster.Hosts[behind]!, "k99"), Is.EqualTo(Canary));
        await LocalCluster.EventuallyAsync(
            () => cluster.Hosts.All(host => host!.Keys!.Files is { PlainSegments: 0, PlainSnapshots: 0 }), "what was in plain is gone");
        for (var index = 0; index < 3; index++)
        {
            Assert.That(cluster.Hosts[index]!.Keys!.Files.KeysInUse, Is.EqualTo(new[] { $"k{index + 1}" }));
            var files = Directory.GetFiles(cluster.DataOf(index), "*", SearchOption.AllDirectories)
                .Where(file => Path.GetFileName(file) is not "lock").ToList();
            Assert.That(files, Has.Some.EndsWith(".wal").And.Some.EndsWith(".snap"));
            Assert.That(files.Where(file => File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Canary)) >= 0), Is.Empty);
        }
    }

    [Test]
    public async Task A_member_without_its_key_is_refused_by_file_and_id()
    {
        await using var cluster = await LocalCluster.StartAsync(1);
        await cluster.StopMemberAsync(0);
        await StartSealedAsync(cluster, 0);
        await cluster.UntilReadyAsync();
        await cluster.StopMemberAsync(0);
        var refusal = await Assert.ThrowsAsync<StorageRefusedException>(() => cluster.StartMemberAsync(0));
        Assert.That(refusal!.Message, Does.StartWith(cluster.DataOf(0))
            .And.Contains("is encrypted with the key k1, and no key file was given"));
    }

    [Test]
    public async Task A_key_file_is_looked_into_on_the_signal_and_by_the_clock_and_told()
    {
        var file = KeyFile("k1");
        var keys = KeyRing.Load(file, "--encryption-key keys");
        var said = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var time = new OneTimer();
        using var shield = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
        using var watch = new KeyFileWatch(keys, time, said.Enqueue);
        var second = Line("k2");
        await File.WriteAllTextAsync(file, second);
        using (var kill = Process.Start("kill", ["-HUP", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }
        await Patience.UntilAsync(() =>
            said.Contains("--encryption-key keys is read anew: new files are sealed with the key k2"), "the signal is heard");
        Assert.That(time.Period, Is.EqualTo(TimeSpan.FromSeconds(10)));
        await File.WriteAllTextAsync(file, "k3 half");
        time.Fire();
        Assert.That(said.Last(), Does.Contain("line 1 is no key").And.EndsWith("the keys of before are used"));
        var alarms = new MemberAlarms(() => null, keys: keys);
        Assert.That(alarms.Of(new InProcessNode().Status), Has.Some.StartsWith("--encryption-key keys: line 1 is no key")
            .And.Some.EndsWith("a start would be refused"));
        await File.WriteAllTextAsync(file, second);
        time.Fire();
        Assert.That(said.Last(), Does.Contain("is as it was again"));
        Assert.That(alarms.Of(new InProcessNode().Status), Is.EqualTo(new InProcessNode().Status.Alarms));
    }

    private Task StartSealedAsync(LocalCluster cluster, int index)
    {
        var keys = KeyRing.Load(KeyFile($"k{index + 1}"), "--encryption-key keys", cluster.DataOf(index));
        return cluster.StartMemberAsync(index, options => options with { Storage = options.Storage with { Keys = keys } });
    }

    /// <summary>Made once: a member has the same keys after each start.</summary>
    private string KeyFile(string id)
    {
        var path = Path.Combine(_root, id);
        if (!File.Exists(path))
        {
            File.WriteAllText(path, Line(id));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        return path;
    }

    private static string Line(string id) => $"{id} {Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}\n";

    /// <summary>A clock whose one timer goes off when the test says so.</summary>
    private sealed class OneTimer : TimeProvider
    {
        private TimerCallback _callback = _ => { };

        public TimeSpan Period { get; private set; }

        public void Fire() => _callback(null);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_callback, Period) = (callback, period);
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
