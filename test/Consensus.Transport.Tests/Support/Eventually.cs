namespace Consensus.Transport.Tests.Support;

/// <summary>Waits on a condition. The deadline is generous: it is reached only when the condition never comes true.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static void Holds(Func<bool> condition, string what) =>
        Assert.That(SpinWait.SpinUntil(condition, Deadline), Is.True, $"never came true: {what}");

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
