using Consensus.InnerBenchmarks;

namespace Consensus.Benchmarks.Tests.Inner;

internal sealed class InnerArgumentsTests
{
    [Test]
    public void Without_arguments_everything_runs_briefly_in_this_process_and_counts_bytes() =>
        Assert.That(string.Join(' ', InnerArguments.WithDefaults([])), Does.StartWith("--filter * --job short --inProcess --memory --join --artifacts "));

    [Test]
    public void A_filter_is_a_part_of_the_name_unless_it_has_a_star()
    {
        Assert.That(InnerArguments.WithDefaults(["--filter", "Apply"]).Take(2), Is.EqualTo(new[] { "--filter", "*Apply*" }));
        Assert.That(InnerArguments.WithDefaults(["-f", "*.Apply.*"]).Take(2), Is.EqualTo(new[] { "-f", "*.Apply.*" }));
    }

    [Test]
    public void What_is_given_is_not_given_again()
    {
        var arguments = InnerArguments.WithDefaults(["--job", "medium", "-i"]);
        Assert.That(arguments.Count(argument => argument is "--job"), Is.EqualTo(1));
        Assert.That(arguments, Does.Not.Contain("--inProcess"));
    }
}
