using Consensus.Server.Connections;
using Consensus.Server.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Consensus.Server.Tests.Hosting;

internal sealed class KestrelLimitsTests
{
    private const long MiB = 1 << 20;

    [TestCase(384 * MiB)]
    [TestCase(1024 * MiB)]
    [TestCase(64 * 1024 * MiB)]
    public void What_all_connections_leave_unread_and_unsent_fits_in_an_eighth_of_the_memory(long memoryBytes)
    {
        var kestrel = new KestrelServerOptions();
        KestrelLimits.Apply(kestrel, memoryBytes);
        var limits = kestrel.Limits;
        var each = Math.Max(limits.MaxRequestBufferSize!.Value, limits.Http2.InitialConnectionWindowSize) + StreamMemory.OwnBytes + limits.MaxResponseBufferSize!.Value;
        Assert.That(limits.MaxConcurrentConnections * each, Is.LessThanOrEqualTo(Math.Max(memoryBytes, MemoryPlan.SmallestBytes) / 8));
        Assert.That(limits.MaxConcurrentConnections, Is.InRange(590, 20_000), "a stranger with some hundreds leaves others their connection, however little memory there is");
    }

    [Test]
    public void A_large_machine_takes_twenty_thousand_connections() =>
        Assert.That(KestrelLimits.MaxConnectionsIn(32 * 1024 * MiB), Is.EqualTo(20_000));

    [Test]
    public void The_memory_of_this_process_is_known() =>
        Assert.That(ProcessMemory.AvailableBytes, Is.GreaterThan(100 * MiB));
}
