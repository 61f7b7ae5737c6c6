using Consensus.Cli.Completion;
using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Completion;

/// <summary>The script of <c>completion zsh</c> as text; what it is made of is the same as bash's, which is run.</summary>
internal sealed class ZshCompletionTests
{
    private static readonly Uri Nobody = new("http://127.0.0.1:1");

    [Test]
    public async Task Every_command_of_the_bash_script_is_in_the_zsh_script()
    {
        var bash = (await Ctl.RunAsync(Nobody, "completion", "bash")).Output;
        var zsh = (await Ctl.RunAsync(Nobody, "completion", "zsh")).Output;
        var places = bash.Split('\n').Where(line => line.StartsWith("        '", StringComparison.Ordinal)).ToList();

        Assert.That(places, Has.Count.GreaterThan(20));
        Assert.That(zsh.Split('\n'), Is.SupersetOf(places));
        Assert.That(zsh, Does.StartWith("#compdef consensusctl\n"));
    }

    [Test]
    public void A_word_stands_with_what_it_is_for_and_an_apostrophe_does_not_end_it()
    {
        CommandPlace[] places =
        [
            new("", [("run", "Runs a neighbour's job")], [new(["--as"], "Who: you", new PlaceValues(ValueKind.Words, ["a", "b"]))], [new(ValueKind.File, [])]),
        ];
        var script = ZshScript.Write(places);

        Assert.That(script, Does.Contain("""subs=('run:Runs a neighbour'\''s job')"""));
        Assert.That(script, Does.Contain("opts=('--as:Who: you')"));
        Assert.That(script, Does.Contain("valued=(--as)").And.Contain("args=(files)").And.Contain("' --as') echo 'words:a,b'"));
    }
}
