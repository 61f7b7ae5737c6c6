using Consensus.Benchmarks.Load;

namespace Consensus.Benchmarks.Tests.Load;

internal sealed class LoadReportTests
{
    [Test]
    public void Members_and_value_sizes_are_named_where_they_differ()
    {
        var text = LoadReport.Write([Measured(3, 256, 100), Measured(3, 256, 300), Measured(5, 256, 50)], ["consensus"]);
        Assert.That(text, Does.Contain("| system    | workload | clients | members | value bytes | ops/s |"));
        Assert.That(text, Does.Contain("|      put |      64 |       3 |         256 |   200 |").And.Contain("|      put |      64 |       5 |         256 |  50.0 |"));
    }

    [Test]
    public void Members_and_value_sizes_that_are_always_the_same_are_not_named()
    {
        var text = LoadReport.Write([Measured(3, 256, 100), Measured(3, 256, 300)], ["consensus"]);
        Assert.That(text, Does.Contain("| system    | workload | clients | ops/s |").And.Not.Contain("members"));
    }

    [Test]
    public void More_than_two_systems_stand_below_each_other_with_what_ours_is_to_each()
    {
        var text = LoadReport.Write(
            [Measured(3, 256, 300), Measured(3, 256, 100, "etcd"), Measured(3, 256, 600, "zookeeper")], ["consensus", "etcd", "zookeeper"]);
        Assert.That(text, Does.Contain("| workload | clients |    system | ops/s | ratio |"));
        Assert.That(text, Does.Contain("| put      |      64 | consensus |   300 |  1.00 |"));
        Assert.That(text, Does.Contain("| put      |      64 |      etcd |   100 |  3.00 |"));
        Assert.That(text, Does.Contain("| put      |      64 | zookeeper |   600 |  0.50 |"));
    }

    private static Measurement Measured(int nodes, int valueBytes, double rate, string system = "consensus") =>
        new(system, "put", 64, 1, 1, 100, rate, 1, 2, 3, 4, 5, 6, 7, 0, null, 0) { Nodes = nodes, ValueBytes = valueBytes };
}
