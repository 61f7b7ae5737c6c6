using System.Diagnostics;
using System.Text.RegularExpressions;
using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.EndToEnd.Tests;

/// <summary>A disk that fills up or fails under one real member: it says so, acknowledges nothing more, and nothing acknowledged is lost.</summary>
[NonParallelizable]
public sealed class DiskTests
{
    [TestCase(1)]
    [TestCase(3)]
    public async Task A_member_whose_disk_is_full_ends_and_goes_on_where_it_was_once_there_is_room(int size)
    {
        var mounted = "";
        await using var cluster = await ProcessCluster.StartAsync(size, cluster =>
        {
            var directory = Directory.CreateDirectory(cluster.DataOf(0)).FullName;
            if (Run("mount", "-t", "tmpfs", "-o", "size=96m", "none", directory) != 0)
            {
                Assert.Ignore("this machine lets nobody mount a small file system: skipped");
            }
            mounted = directory;
        });
        try
        {
            var acknowledged = new List<string>();
            var value = new string('v', 500_000);
            for (var i = 0; !cluster.Process(0).HasExited; i++)
            {
                Assert.That(i, Is.LessThan(2_000), "the small disk never filled up");
                if ((await cluster.TryAsync(HttpMethod.Put, i % size, $"/v1/kv/k{i}", value)).IsOk)
                {
                    acknowledged.Add($"k{i}");
                }
            }
            var (code, output) = await cluster.EndAsync(0);
            Assert.That(code, Is.Not.Zero);
            Assert.That(output, Does.Contain("the disk is full").And.Contain("nothing more is acknowledged"));
            if (size > 1)
            {
                await cluster.UntilWrittenAsync(1, "/v1/kv/other");
            }

            Assert.That(Run("mount", "-o", "remount,size=600m", mounted), Is.Zero);
            cluster.Start(0);
            await cluster.UntilReadyAsync();
            Assert.That(acknowledged, Is.Not.Empty);
            foreach (var key in acknowledged)
            {
                Assert.That((await cluster.TryAsync(HttpMethod.Get, 0, $"/v1/kv/{key}")).IsOk, key);
            }
            Assert.That((await cluster.TryAsync(HttpMethod.Put, 0, "/v1/kv/again", "1")).IsOk);
            await cluster.StopAsync(0);
        }
        finally
        {
            // Lazily, since a failed test's process may still be in it.
            Run("umount", "-l", mounted);
        }
    }

    [Test]
    public async Task A_member_without_room_for_its_leaders_snapshot_refuses_it_and_says_so_and_has_it_once_there_is_room()
    {
        const int Late = 2;
        var mounted = "";
        await using var cluster = await ProcessCluster.StartAsync(3, cluster =>
        {
            var directory = Directory.CreateDirectory(cluster.DataOf(Late)).FullName;
            if (Run("mount", "-t", "tmpfs", "-o", "size=100m", "none", directory) != 0)
            {
                Assert.Ignore("this machine lets nobody mount a small file system: skipped");
            }
            mounted = directory;
        });
        try
        {
            await cluster.StopAsync(Late);
            var value = new string('v', 500_000);
            for (var i = 0; i < 400; i++)
            {
                await cluster.UntilWrittenAsync(i % 2, $"/v1/kv/k{i}", value);
            }
            cluster.Start(Late);
            await ProcessCluster.EventuallyAsync(
                async () => await cluster.TryAsync(HttpMethod.Get, await cluster.LeaderAsync(), "/v1/status") is { IsOk: true } status
                    && status.Json.GetProperty("alarms").EnumerateArray().Any(alarm => alarm.GetString()!.Contains("n3 does not take the snapshot", StringComparison.Ordinal)),
                "its leader says why it does not catch up");
            await ProcessCluster.EventuallyAsync(
                () => Task.FromResult(Regex.IsMatch(
                    cluster.Process(Late).Output,
                    @"warn: Consensus\.Node\[0\] this member does not take the leader's snapshot up to index \d+: its disk has no room: .* MiB free, .* free some space there")),
                "it says so itself");
            Assert.That(cluster.Process(Late).HasExited, Is.False);

            Assert.That(Run("mount", "-o", "remount,size=1g", mounted), Is.Zero);
            await cluster.UntilReadyAsync();
            Assert.That((await cluster.TryAsync(HttpMethod.Get, Late, "/v1/kv/k399")).IsOk);
            await cluster.StopAsync(Late);
        }
        finally
        {
            // Lazily, since a failed test's process may still be in it.
            Run("umount", "-l", mounted);
        }
    }

    [Test]
    public async Task A_flush_that_fails_ends_the_process_without_another_acknowledgement()
    {
        if (!File.Exists("/usr/bin/strace"))
        {
            Assert.Ignore("strace is not installed: skipped");
        }
        await using var cluster = await ProcessCluster.StartAsync(1);
        await cluster.StopAsync(0);
        // Every fdatasync from the 30th on fails, once the member serves; -D leaves the server itself our child.
        cluster.Start(0, "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=30+");
        var acknowledged = 0;
        for (var i = 0; !cluster.Process(0).HasExited && i < 5_000; i++)
        {
            if ((await cluster.TryAsync(HttpMethod.Put, 0, $"/v1/kv/k{i}", "1")).IsOk)
            {
                Assert.That(acknowledged, Is.EqualTo(i), "once a flush failed, nothing is acknowledged any more");
                acknowledged++;
            }
            else if (acknowledged == 0)
            {
                i--;
                await Task.Yield();
            }
        }
        var (code, output) = await cluster.EndAsync(0);
        Assert.That(code, Is.Not.Zero);
        Assert.That(output, Does.Contain("nothing more is acknowledged"));
        Assert.That(acknowledged, Is.InRange(1, 30));

        cluster.Start(0);
        await cluster.UntilReadyAsync();
        for (var i = 0; i < acknowledged; i++)
        {
            Assert.That((await cluster.TryAsync(HttpMethod.Get, 0, $"/v1/kv/k{i}")).IsOk, $"k{i}");
        }
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
