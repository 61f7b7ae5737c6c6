using Consensus.Cli.Output;

namespace Consensus.Cli.Tests.Output;

internal sealed class ColumnWidthTests
{
    [TestCase(new[] { 4, 10 }, 80, new[] { 4, 10 }, TestName = "What fits is left alone")]
    [TestCase(new[] { 4, 200 }, 80, new[] { 4, 69 }, TestName = "The widest column gives way")]
    [TestCase(new[] { 100, 100 }, 80, new[] { 36, 36 }, TestName = "Two that are as wide share the loss")]
    [TestCase(new[] { 16, 60, 100 }, 80, new[] { 16, 27, 27 }, TestName = "The widest first, then both")]
    [TestCase(new[] { 20, 20, 20, 20 }, 40, new[] { 20, 20, 20, 20 }, TestName = "Names, tokens and ids stay whole on a terminal that is too narrow")]
    [TestCase(new[] { 20, 20, 90 }, 40, new[] { 20, 20, 24 }, TestName = "Something is left of every column")]
    public void Columns_are_cut_where_it_hurts_least(int[] natural, int terminal, int[] expected)
    {
        var widths = ColumnWidths.Fit(natural, terminal);
        Assert.That(widths, Is.EqualTo(expected));
    }

    [Test]
    public void A_text_that_is_cut_is_seen_to_be_cut()
    {
        Assert.That(ColumnWidths.Cut("abcdef", 4), Is.EqualTo("abc…"));
        Assert.That(ColumnWidths.Cut("abcd", 4), Is.EqualTo("abcd"));
    }
}
