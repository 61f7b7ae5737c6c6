using System.Diagnostics;

namespace Consensus.Waiting;

/// <summary>
/// How tests wait: on what must come, up to a limit that only a broken program reaches, for the machine may be busy with other things. What came, and in which order, is
/// judged; how long it took never is. The only place of the tests that looks at a real clock.
/// </summary>
internal static class Patience
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(5);

    public static Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Limit)
            {
                Assert.Fail($"never came true: {what}");
            }
            await Task.Delay(LookEvery);
        }
    }

    /// <summary>As <see cref="UntilAsync(Func{bool}, string)"/>, on the calling thread, whatever the thread pool does.</summary>
    public static void Until(Func<bool> condition, string what) => Assert.That(Comes(condition), Is.True, $"never came true: {what}");

    /// <summary>As <see cref="Until"/>, for a thread of the test's own: false when the limit came first.</summary>
    public static bool Comes(Func<bool> condition) => SpinWait.SpinUntil(condition, Limit);

    /// <summary>What waits with this gives up at the limit, or at that of several steps that are waited for together.</summary>
    public static CancellationTokenSource Begin(int steps = 1) => new(steps * Limit);

    /// <summary>The end of what must end.</summary>
    public static Task InTimeAsync(this Task task) => task.WaitAsync(Limit);

    /// <summary>The result of what must end.</summary>
    public static Task<T> InTimeAsync<T>(this Task<T> task) => task.WaitAsync(Limit);

    /// <summary>As <see cref="InTimeAsync{T}"/>, on the calling thread.</summary>
    public static T Result<T>(Task<T> task) => task.InTimeAsync().GetAwaiter().GetResult();
}
