namespace Consensus.Cli.Tests.Support;

/// <summary>Waits on conditions.</summary>
internal static class Eventually
{
    public static Task True(Func<bool> condition, string what) => Patience.UntilAsync(condition, what);

    public static Task True(Func<Task<bool>> condition, string what) => Patience.UntilAsync(condition, what);
}
