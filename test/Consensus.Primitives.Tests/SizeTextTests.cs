namespace Consensus.Primitives.Tests;

public sealed class SizeTextTests
{
    [TestCase(0, "0.0 MiB", "0.0 MiB")]
    [TestCase(1, "0.1 MiB", "0.0 MiB")]
    [TestCase(64 << 10, "0.1 MiB", "0.0 MiB")]
    [TestCase(1 << 20, "1.0 MiB", "1.0 MiB")]
    [TestCase((1 << 20) + 1, "1.1 MiB", "1.0 MiB")]
    [TestCase((10 << 20) - 1, "10.0 MiB", "9.9 MiB")]
    [TestCase(10 << 20, "10 MiB", "10 MiB")]
    [TestCase((10 << 20) + 1, "11 MiB", "10 MiB")]
    [TestCase(long.MaxValue, "8,796,093,022,208 MiB", "8,796,093,022,207 MiB")]
    public void What_is_needed_is_rounded_up_and_what_there_is_down(long bytes, string needed, string free) =>
        Assert.That((SizeText.MiB(bytes), SizeText.FreeMiB(bytes)), Is.EqualTo((needed, free)));
}
