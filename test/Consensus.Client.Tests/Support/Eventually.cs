namespace Consensus.Client.Tests.Support;

/// <summary>Conditions that another thread or process brings about.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = Patience.Limit;

    public static Task UntilAsync(Func<bool> condition, string what) => Patience.UntilAsync(condition, what);

    public static Task UntilAsync(Func<Task<bool>> condition, string what) => Patience.UntilAsync(condition, what);

    public static Task LostAsync(this HoldHandle handle) => UntilAsync(() => handle.HandleLost.IsCancellationRequested, "the handle is told to be lost");

    /// <summary>The next item of a watch.</summary>
    public static async Task<T> NextAsync<T>(this IAsyncEnumerator<T> items)
    {
        Assert.That(await items.MoveNextAsync().AsTask().InTimeAsync(), Is.True, "the watch ended");
        return items.Current;
    }
}
