using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Consensus.Server.Hosting;
using Consensus.StateMachine;

namespace Consensus.Server.Tests.Hosting;

/// <summary>All budgets full at once fit into the memory.</summary>
internal sealed class MemoryPlanTests
{
    private const long MiB = 1 << 20;

    [TestCase(3, MemoryPlan.SmallestHeapBytes)]
    [TestCase(3, 640 * MiB)]
    [TestCase(3, 700 * MiB)]
    [TestCase(3, MemoryPlan.SmallestBytes)]
    [TestCase(3, 1024 * MiB)]
    [TestCase(3, 2048 * MiB)]
    [TestCase(3, 64 * 1024 * MiB)]
    [TestCase(5, 1024 * MiB)]
    [TestCase(5, 64 * 1024 * MiB)]
    public void What_a_member_may_hold_fits_beside_what_is_replicated(int members, long memoryBytes)
    {
        var plan = new MemoryPlan(memoryBytes);
        Assert.That(plan.Fits(Limits.Default, members), Is.True);
        Assert.That(plan.Warning(Limits.Default, members), Is.Null);
        Assert.That(plan.OwnBytes(members), Is.LessThanOrEqualTo((memoryBytes / 2) + (80 * MiB)), "what grows with the memory is half of it");
    }

    [TestCase(128 * MiB)]
    [TestCase(384 * MiB)]
    [TestCase(MemoryPlan.SmallestHeapBytes - (16 * MiB))]
    public void Who_has_less_is_told_what_is_needed(long memoryBytes)
    {
        var plan = new MemoryPlan(memoryBytes);
        Assert.That(plan.Fits(Limits.Default, members: 3), Is.False);
        Assert.That(plan.Warning(Limits.Default, members: 3), Does.Contain("576 MiB at least, which is what a container of 768 MiB gives"));
    }

    [TestCase(4)]
    [TestCase(5)]
    [TestCase(7)]
    public void What_a_member_of_a_larger_cluster_is_told_to_have_is_enough(int members)
    {
        var warning = new MemoryPlan(MemoryPlan.SmallestHeapBytes).Warning(Limits.Default, members)!;
        var told = long.Parse(Regex.Match(warning, "give it ([0-9]+) MiB").Groups[1].Value, CultureInfo.InvariantCulture) * MiB;
        Assert.That(new MemoryPlan(told).Fits(Limits.Default, members), Is.True, warning);
        Assert.That(new MemoryPlan(told - MiB).Fits(Limits.Default, members), Is.False, "and no more than is needed");
    }

    [Test]
    public void The_smallest_memory_is_the_one_that_operators_are_told()
    {
        var page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "docs", "operations.md"));
        Assert.That(page, Does.Contain(string.Create(CultureInfo.InvariantCulture, $"Give a member at least {MemoryPlan.SmallestBytes / MiB} MiB")));
    }

    [TestCase(MemoryPlan.SmallestHeapBytes)]
    [TestCase(MemoryPlan.SmallestBytes)]
    [TestCase(1024 * MiB)]
    [TestCase(64 * 1024 * MiB)]
    public void What_is_on_its_way_to_a_follower_has_room_on_its_link(long memoryBytes)
    {
        var plan = new MemoryPlan(memoryBytes);
        var append = MiB + 1000;
        var segment = (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)append);
        Assert.That(plan.Inflight / MiB * segment, Is.LessThanOrEqualTo(plan.Link - (plan.Link / 10)), "the last tenth is for what is urgent");
        Assert.That(plan.Inflight, Is.GreaterThanOrEqualTo(2 * MiB));
    }

    [Test]
    public void Connections_have_an_eighth_of_the_memory()
    {
        foreach (var memory in new[] { MemoryPlan.SmallestBytes, 1024 * MiB, 64 * 1024 * MiB })
        {
            Assert.That((long)KestrelLimits.MaxConnectionsIn(memory) * KestrelLimits.ConnectionBytes, Is.LessThanOrEqualTo(memory / 8));
            var overTls = (long)KestrelLimits.MaxConnectionsIn(memory, hasTls: true);
            Assert.That(overTls * KestrelLimits.TlsConnectionBytes, Is.LessThanOrEqualTo(memory / 8));
        }
    }

    private static string Here([CallerFilePath] string here = "") => here;
}
