using Consensus.EndToEnd.Tests.Processes;

namespace Consensus.Cli.Tests.Members;

/// <summary>One real member for the tests of this namespace: each uses keys and names of its own.</summary>
[SetUpFixture]
internal sealed class OneMember
{
    private static ProcessCluster? _cluster;

    public static Uri Endpoint => new($"http://127.0.0.1:{Cluster.ClientPortOf(0)}");

    /// <summary>At which it is asked on its own machine.</summary>
    public static string AdminSocket => Path.Combine(Cluster.DataOf(0), "admin.sock");

    private static ProcessCluster Cluster => _cluster ?? throw new InvalidOperationException("not started");

    [OneTimeSetUp]
    public static async Task StartAsync() => _cluster = await ProcessCluster.StartAsync(1);

    [OneTimeTearDown]
    public static async Task StopAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }
}
