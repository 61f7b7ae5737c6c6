using Consensus.Server.Hosting;
using Consensus.Storage.Encryption;

namespace Consensus.Server.Tests.Hosting;

/// <summary>A file system that does not answer costs one thread, however often its files are asked for.</summary>
public sealed class OneAtATimeTests
{
    [Test]
    public async Task Who_asks_while_it_is_done_goes_on_at_once_and_it_is_done_once_more_for_all_of_them()
    {
        using var hangs = new ManualResetEventSlim();
        var times = 0;
        var once = new OneAtATime(() =>
        {
            Interlocked.Increment(ref times);
            hangs.Wait();
        });
        var first = Task.Run(once.Run);
        await Patience.UntilAsync(() => Volatile.Read(ref times) == 1, "it hangs");
        var others = Enumerable.Range(0, 10).Select(_ => Task.Run(once.Run)).ToList();
        try
        {
            await Task.WhenAll(others).InTimeAsync();
            Assert.That(times, Is.EqualTo(1));
        }
        finally
        {
            hangs.Set();
        }
        await first.InTimeAsync();
        Assert.That(times, Is.EqualTo(2));
        once.Run();
        Assert.That(times, Is.EqualTo(3));
    }

    [Test]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public async Task A_look_at_the_key_file_that_hangs_is_the_only_one()
    {
        using var directory = new TemporaryDirectory();
        var file = Path.Combine(directory.Path, "keys");
        void Write(int first)
        {
            File.WriteAllLines(file, Enumerable.Range(1, first).Reverse().Select(id => $"k{id} {KeyOf(id)}"));
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        Write(1);
        using var hangs = new ManualResetEventSlim();
        var said = 0;
        var clock = new ManualClock();
        using var watch = new KeyFileWatch(KeyRing.Load(file, "--encryption-key keys"), clock, _ =>
        {
            Interlocked.Increment(ref said);
            hangs.Wait();
        });
        Write(2);
        var first = Task.Run(() => clock.Advance(KeyFileWatch.Every));
        await Patience.UntilAsync(() => Volatile.Read(ref said) == 1, "it hangs");
        Write(3);
        var second = Task.Run(() => clock.Advance(KeyFileWatch.Every));
        try
        {
            await second.InTimeAsync();
            Assert.That(said, Is.EqualTo(1));
        }
        finally
        {
            hangs.Set();
        }
        await first.InTimeAsync();
        Assert.That(said, Is.EqualTo(2), "what it did not see is looked at afterwards");

        static string KeyOf(int id) => Convert.ToBase64String([.. new byte[31], (byte)id]);
    }
}
