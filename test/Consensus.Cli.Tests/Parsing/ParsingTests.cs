using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Tests.Parsing;

internal sealed class ParsingTests
{
    [TestCase(0, "0ms")]
    [TestCase(999, "999ms")]
    [TestCase(14_500, "14.5s")]
    [TestCase(60_000, "1m00s")]
    [TestCase(3_600_000 + 120_000, "1h02m")]
    [TestCase(86_400_000L * 3, "3d00h")]
    public void A_duration_is_shown_in_two_units_at_most(long milliseconds, string shown) =>
        Assert.That(Durations.Show(milliseconds), Is.EqualTo(shown));

    [Test]
    public void A_duration_longer_than_any_that_the_API_takes_is_refused()
    {
        Assert.That(Durations.TryParse("365d", out var year), Is.True);
        Assert.That(year, Is.EqualTo(TimeSpan.FromDays(365)));
        Assert.That(Durations.TryParse("366d", out _), Is.False);
    }

    [TestCase(null, null)]
    [TestCase(" , ", null)]
    [TestCase("a:1, https://b:2", "http://a:1/ https://b:2/")]
    [TestCase("[::1]:7", "http://[::1]:7/")]
    [TestCase("a, [::1], http://b", "http://a:7379/ http://[::1]:7379/ http://b/")]
    public void Endpoints_are_separated_by_commas(string? text, string? expected) =>
        Assert.That(Endpoints(text, null), Is.EqualTo(expected));

    [TestCase("10.0.0.1", "https://10.0.0.1:7379/")]
    [TestCase("a:1, https://b:2, [::1]", "https://a:1/ https://b:2/ https://[::1]:7379/")]
    public void With_a_bundle_what_has_no_scheme_is_https(string text, string expected) =>
        Assert.That(Endpoints(text, "--tls admin.pem"), Is.EqualTo(expected));

    [Test]
    public void With_a_bundle_nothing_is_sent_in_the_clear() => Assert.That(
        () => Endpoints("a:1,http://b:2", "--tls admin.pem"),
        Throws.InstanceOf<UsageException>().With.Message.EqualTo(
            "'http://b:2' is not https, and with --tls admin.pem nothing is sent in the clear; write https://b:2."));

    private static string? Endpoints(string? text, string? tls) =>
        new EndpointList(tls).Parse(text) is { } list ? string.Join(' ', list) : null;

    [TestCase("http://a:1/path", "it has a path")]
    [TestCase("a:1/path", "it has a path")]
    [TestCase("a:1,b:2?x", "it has a query")]
    [TestCase("a:1#b", "it has a fragment")]
    [TestCase("me@a:1", "it has user information")]
    [TestCase("ftp://a:1", "its scheme is neither http nor https")]
    [TestCase("a b", "it is no URL")]
    public void An_endpoint_of_which_a_part_would_be_cut_is_refused(string text, string reason) =>
        Assert.That(() => new EndpointList(null).Parse(text), Throws.InstanceOf<UsageException>().With.Message.Contains(reason));

    [Test]
    public void Text_from_the_data_cannot_break_a_line_or_a_terminal() =>
        Assert.That(Plain.OneLine("a\tb\r\n\u001b[31mc"), Is.EqualTo("a\\tb\\r\\n\\u001b[31mc"));

    [TestCase(0, "0 B")]
    [TestCase(65_536, "64 KiB")]
    [TestCase(1_572_864, "1.5 MiB")]
    [TestCase(3L << 30, "3 GiB")]
    public void A_size_is_shown_in_a_fitting_unit(long bytes, string shown) => Assert.That(Plain.Bytes(bytes), Is.EqualTo(shown));
}
