namespace Consensus.Raft.Tests.Support;

internal static class Check
{
    /// <summary>There is at least one, and each is as it should be.</summary>
    public static void All<T>(IReadOnlyCollection<T> items, Func<T, bool> isRight)
    {
        Assert.That(items, Is.Not.Empty);
        Assert.That(items.Where(i => !isRight(i)), Is.Empty);
    }
}
