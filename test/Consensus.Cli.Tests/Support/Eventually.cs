using System.Diagnostics;

namespace Consensus.Cli.Tests.Support;

/// <summary>Waits on conditions, up to a deadline that only a broken program reaches.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static Task True(Func<bool> condition, string what) => True(() => Task.FromResult(condition()), what);

    public static async Task True(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.That(watch.Elapsed, Is.LessThan(Deadline), $"never came true: {what}");
            await Task.Delay(5);
        }
    }
}
