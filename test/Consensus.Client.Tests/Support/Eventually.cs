namespace Consensus.Client.Tests.Support;

/// <summary>Conditions that another thread or process brings about.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        try
        {
            while (!await condition())
            {
                await timer.WaitForNextTickAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            Assert.Fail($"not in time: {what}");
        }
    }

    /// <summary>The result of what must end in time.</summary>
    public static Task<T> InTimeAsync<T>(this Task<T> task) => task.WaitAsync(Deadline);

    public static Task InTimeAsync(this Task task) => task.WaitAsync(Deadline);

    public static Task LostAsync(this HoldHandle handle) => UntilAsync(() => handle.HandleLost.IsCancellationRequested, "the handle is told to be lost");

    /// <summary>The next item of a watch.</summary>
    public static async Task<T> NextAsync<T>(this IAsyncEnumerator<T> items)
    {
        Assert.That(await items.MoveNextAsync().AsTask().InTimeAsync(), Is.True, "the watch ended");
        return items.Current;
    }
}
