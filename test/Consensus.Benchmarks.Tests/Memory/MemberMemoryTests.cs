using Consensus.Benchmarks.Memory;

namespace Consensus.Benchmarks.Tests.Memory;

internal sealed class MemberMemoryTests
{
    [Test]
    public void The_lines_of_proc_status_are_read_in_bytes()
    {
        const string Status = "Name:\tconsensusd\nVmPeak:\t 9999 kB\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\nRssAnon:\t    150 kB\nRssFile:\t 50 kB\n";
        Assert.That(MemberMemory.Parse(Status), Is.EqualTo(new MemberMemory(200 * 1024, 150 * 1024, 300 * 1024)));
    }

    [Test]
    public void This_process_has_memory()
    {
        var own = MemberMemory.Parse(File.ReadAllText("/proc/self/status"));
        Assert.That(own.Resident, Is.GreaterThan(0).And.AtMost(own.Peak));
        Assert.That(own.Anonymous, Is.GreaterThan(0).And.AtMost(own.Resident));
    }
}
