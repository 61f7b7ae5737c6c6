namespace Consensus.Benchmarks.Tests;

internal sealed class StatisticsTests
{
    [Test]
    public void The_median_is_the_middle_or_the_mean_of_the_two_middle_values()
    {
        Assert.That(Statistics.Median([9, 1, 5]), Is.EqualTo(5));
        Assert.That(Statistics.Median([9, 1, 5, 7]), Is.EqualTo(6));
        Assert.That(Statistics.Median([]), Is.NaN);
    }

    [Test]
    public void A_percentile_is_a_value_of_the_sample()
    {
        var values = Enumerable.Range(1, 20).Select(value => (double)value).ToList();
        Assert.That(Statistics.Percentile(values, 95), Is.EqualTo(19));
        Assert.That(Statistics.Percentile(values, 100), Is.EqualTo(20));
        Assert.That(Statistics.Percentile(values, 0), Is.EqualTo(1));
    }

    [Test]
    public void A_table_lines_its_columns_up()
    {
        var table = new Table("name", "n");
        table.Add("a", "1,234");
        Assert.That(table.ToString(), Is.EqualTo("| name |     n |\n|------|------:|\n| a    | 1,234 |\n"));
    }

    [TestCase(1234.4, "1,234")]
    [TestCase(12.34, "12.3")]
    [TestCase(0.456, "0.46")]
    [TestCase(double.NaN, "-")]
    [TestCase(double.PositiveInfinity, "-")]
    public void Numbers_keep_about_three_digits(double value, string text) => Assert.That(Table.Number(value), Is.EqualTo(text));

    [TestCase("--rounds", "0")]
    [TestCase("--seconds", "x")]
    [TestCase("saturation", "--minutes", "0")]
    [TestCase("--minutes", "NaN")]
    [TestCase("--workloads", "put,nothing")]
    [TestCase("--clients", "1,-2")]
    [TestCase("--unknown", "1")]
    [TestCase("scale", "--systems", "consensus-tls")]
    [TestCase("scale", "--tls")]
    [TestCase("scale", "--systems", "consensus-auth")]
    [TestCase("--systems", "consensus,consensus-before")]
    [TestCase("watch", "--systems", "consensus-before", "--before", "consensusd")]
    [TestCase("--rounds")]
    public void A_wrong_option_is_refused(params string[] arguments) =>
        Assert.That(() => BenchOptions.Parse(arguments), Throws.TypeOf<BenchException>());

    [Test]
    public void A_mode_brings_its_own_defaults_and_an_explicit_option_wins()
    {
        var usual = BenchOptions.Parse(["saturation"]);
        Assert.That((usual.Clients.Single(), usual.Systems.Single(), usual.Minutes), Is.EqualTo((256, "consensus", 10)));
        Assert.That(BenchOptions.Parse(["saturation", "--systems", "consensus,etcd"]).Systems, Has.Count.EqualTo(2));
    }

    [Test]
    public void TLS_is_measured_beside_what_is_in_the_clear_and_an_explicit_option_wins()
    {
        var usual = BenchOptions.Parse(["--tls"]);
        Assert.That(usual.Systems, Is.EqualTo(new[] { "consensus", "consensus-tls" }));
        Assert.That((usual.Clients.Single(), usual.Workloads.Count), Is.EqualTo((64, 2)));
        Assert.That(BenchOptions.Parse(["--clients", "8", "--tls"]).Clients.Single(), Is.EqualTo(8));
    }

    [Test]
    public void An_explicit_option_wins_over_quick_wherever_it_stands()
    {
        var options = BenchOptions.Parse(["failover", "--kills", "7", "--quick"]);
        Assert.That((options.Mode, options.Kills, options.Rounds), Is.EqualTo((BenchMode.Failover, 7, 1)));
    }
}
