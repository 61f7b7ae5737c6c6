using Consensus.Benchmarks.Vary;

namespace Consensus.Benchmarks.Tests.Vary;

internal sealed class VaryRunTests
{
    [Test]
    public void One_thing_differs_from_the_base_at_a_time()
    {
        var settings = VaryRun.Settings(BenchOptions.Parse(["vary"])).Select(setting => (setting.Nodes, setting.ValueBytes, string.Join(',', setting.Clients)));
        Assert.That(settings, Is.EqualTo(new[]
        {
            (3, 256, "64,1024"),
            (1, 256, "64"),
            (5, 256, "64"),
            (3, 64, "64"),
            (3, 4096, "64"),
            (3, 65536, "64"),
        }));
    }

    [Test]
    public void What_is_the_base_already_is_not_measured_twice()
    {
        var settings = VaryRun.Settings(BenchOptions.Parse(["vary", "--nodes", "5", "--clients", "1024"])).ToList();
        Assert.That(settings.Count(setting => setting is { Nodes: 5, ValueBytes: 256 }), Is.EqualTo(1));
        Assert.That(settings[0].Clients, Is.EqualTo(new[] { 1024 }));
    }
}
