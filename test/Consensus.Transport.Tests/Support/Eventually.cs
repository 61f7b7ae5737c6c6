namespace Consensus.Transport.Tests.Support;

/// <summary>Waits on conditions and tasks.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = Patience.Limit;

    public static void Holds(Func<bool> condition, string what) => Patience.Until(condition, what);

    public static T Result<T>(Task<T> task)
    {
        try
        {
            Assert.That(task.Wait(Deadline), Is.True, "the task never ended");
        }
        catch (AggregateException e)
        {
            throw e.InnerException!;
        }
        return task.Result;
    }
}
