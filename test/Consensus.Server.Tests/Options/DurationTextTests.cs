using Consensus.Api.Durations;

namespace Consensus.Server.Tests.Options;

internal sealed class DurationTextTests
{
    [TestCase("0", 0L)]
    [TestCase("0ms", 0L)]
    [TestCase("500ms", 500_000L)]
    [TestCase("15s", 15_000_000L)]
    [TestCase("15", 15_000_000L)]
    [TestCase("2m", 120_000_000L)]
    [TestCase("1h", 3_600_000_000L)]
    [TestCase("365d", 31_536_000_000_000L)]
    [TestCase("007s", 7_000_000L)]
    [TestCase("9223372036854ms", 9_223_372_036_854_000L)]
    public void A_duration_is_a_whole_number_with_a_unit(string text, long micros)
    {
        Assert.That(DurationText.TryParseMicros(text, out var parsed), Is.True);
        Assert.That(parsed, Is.EqualTo(micros));
    }

    [TestCase("")]
    [TestCase("s")]
    [TestCase("-1s")]
    [TestCase("+1s")]
    [TestCase("1.5s")]
    [TestCase("1 s")]
    [TestCase(" 1s")]
    [TestCase("1s ")]
    [TestCase("1S")]
    [TestCase("1sec")]
    [TestCase("1us")]
    [TestCase("1m30s")]
    [TestCase("0x10")]
    [TestCase("١s")]
    [TestCase("999999999999999d")]
    [TestCase("999999999999999h")]
    [TestCase("9999999999999999s")]
    [TestCase("99999999999999999999999999")]
    public void Anything_else_is_none(string text) => Assert.That(DurationText.TryParseMicros(text, out _), Is.False);

    [TestCase(0L, "0s")]
    [TestCase(500_000L, "500ms")]
    [TestCase(1_500_000L, "1500ms")]
    [TestCase(15_000_000L, "15s")]
    [TestCase(120_000_000L, "2m")]
    [TestCase(600_000_000L, "10m")]
    [TestCase(3_600_000_000L, "1h")]
    [TestCase(31_536_000_000_000L, "365d")]
    public void A_duration_is_written_in_its_largest_unit(long micros, string text)
    {
        Assert.That(DurationText.Format(micros), Is.EqualTo(text));
        Assert.That(DurationText.TryParseMicros(text, out var parsed), Is.True);
        Assert.That(parsed, Is.EqualTo(micros));
    }
}
