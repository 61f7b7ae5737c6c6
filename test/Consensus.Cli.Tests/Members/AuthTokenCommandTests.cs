using Consensus.Cli.Tests.Support;
using Consensus.Security.Tokens;

namespace Consensus.Cli.Tests.Members;

/// <summary>Tokens from the command line, and who a file with one makes of it.</summary>
internal sealed class AuthTokenCommandTests
{
    private string _directory = null!;

    private string FilePath => Path.Combine(_directory, "token");

    [SetUp]
    public void Make() => _directory = Directory.CreateTempSubdirectory("token-commands").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    private Task<CliRun> AsAsync(params string[] arguments) => Member.RunAsync(["--token-file", FilePath, .. arguments]);

    private async Task<string?> PrincipalAsync() => (await AsAsync("auth", "whoami")).Output.Split('\n')[1].Split('\t')[0];

    [Test]
    public async Task A_token_is_told_alone_on_standard_output_and_never_again()
    {
        var run = await Member.RunAsync("auth", "token", "create", "told", "--ttl", "2d");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(BearerToken.TryParse(run.Output.TrimEnd('\n'), out var token), Is.True, run.Output);
        Assert.That(run.Error, Does.StartWith($"token {token!.Id} of told until ").And.Not.Contain(token.Text));
        var listed = (await Member.RowsAsync("auth", "token", "list")).Single(row => row[0] == token.Id);
        Assert.That(listed[1..3], Is.EqualTo(new[] { "told", token.Id }));
        Assert.That(string.Join(' ', listed), Does.Not.Contain(token.Text[16..59]));
    }

    [Test]
    public async Task A_token_in_a_file_says_who_asks_until_it_is_revoked()
    {
        var made = await Member.RunAsync("auth", "token", "create", "filed", "--out", FilePath);
        Assert.That((made.ExitCode, made.Output), Is.EqualTo((0, "")), made.Error);
        Assert.That(await PrincipalAsync(), Is.EqualTo("filed"));
        var again = await Member.RunAsync("auth", "token", "create", "filed", "--out", FilePath);
        Assert.That((again.ExitCode, again.Error),
            Is.EqualTo((1, $"consensusctl: {FilePath} is there already, and is not overwritten.\n")));
        var id = TokenFile.Read(FilePath, "t").Id;
        var variable = await Ctl.RunAsync(
            new Dictionary<string, string> { ["CONSENSUS_ENDPOINTS"] = $"{OneMember.Endpoint}", ["CONSENSUS_TOKEN_FILE"] = FilePath },
            "", false, "auth", "whoami");
        Assert.That(variable.Output, Does.Contain("filed\tt:" + id));
        await Member.RowsAsync("auth", "token", "revoke", id);
        var refused = await AsAsync("auth", "whoami");
        Assert.That((refused.ExitCode, refused.Error), Is.EqualTo((1, "consensusctl: the credential is not valid.\n")));
        await Member.RefusedAsync("auth", "token", "revoke", id);
    }

    [Test]
    public async Task What_is_refused_leaves_no_file_behind()
    {
        var run = await Member.RunAsync("auth", "token", "create", "a*", "--out", FilePath);
        Assert.That((run.ExitCode, File.Exists(FilePath)), Is.EqualTo((2, false)), run.Error);
    }

    [Test]
    public async Task A_rotation_puts_another_into_the_file_and_ends_the_one_before_after_a_while()
    {
        await Member.RunAsync("auth", "token", "create", "rotated", "--out", FilePath);
        var before = TokenFile.Read(FilePath, "t");
        var rotated = await AsAsync("auth", "token", "rotate", "--overlap", "0s");
        Assert.That(rotated.ExitCode, Is.Zero, rotated.Error);
        var after = TokenFile.Read(FilePath, "t");
        Assert.That(after.Id, Is.Not.EqualTo(before.Id));
        Assert.That(rotated.Output + rotated.Error, Does.Contain(after.Id).And.Not.Contain(after.Text));
        Assert.That(await PrincipalAsync(), Is.EqualTo("rotated"));
        var rows = (await Member.RowsAsync("auth", "token", "list")).Where(row => row[1] == "rotated").ToDictionary(row => row[0]);
        Assert.That(rows[after.Id][2], Is.EqualTo(before.Id), "it is one family");
        Assert.That(string.CompareOrdinal(rows[before.Id][3], rows[after.Id][3]), Is.LessThan(0));
        await Member.RowsAsync("auth", "token", "revoke", before.Id);
        Assert.That((await AsAsync("auth", "whoami")).ExitCode, Is.EqualTo(1));
    }

    /// <summary>As a pod finds it, at a member that believes no issuer.</summary>
    [Test]
    public async Task A_web_token_that_everybody_can_read_is_shown_and_not_rotated()
    {
        File.WriteAllText(FilePath, "eyJ.eyJ.c2_-\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }
        var shown = await AsAsync("auth", "whoami");
        Assert.That((shown.ExitCode, shown.Error), Is.EqualTo((1, "consensusctl: the credential is not valid.\n")));
        var rotated = await AsAsync("auth", "token", "rotate");
        Assert.That((rotated.ExitCode, rotated.Error), Is.EqualTo((2,
            $"consensusctl: {FilePath} holds a JSON Web Token: its issuer makes the next one, and no member does.\n")));
        Assert.That(File.ReadAllText(FilePath), Is.EqualTo("eyJ.eyJ.c2_-\n"));
    }

    [Test]
    public async Task Row_26_A_token_goes_nowhere_in_the_clear_and_what_cannot_be_used_is_exit_2()
    {
        TokenFile.WriteNew(FilePath, BearerToken.Create());
        var clear = await AsAsync("--endpoints", "http://db.example:7379", "auth", "whoami");
        Assert.That((clear.ExitCode, clear.Error), Is.EqualTo((2,
            "consensusctl: 'http://db.example:7379' is not https, and a token goes nowhere in the clear; write https://db.example:7379.\n")));
        var rotate = await Member.RunAsync("auth", "token", "rotate");
        Assert.That((rotate.ExitCode, rotate.Error), Is.EqualTo((2,
            "consensusctl: There is no token file to put another into: give --token-file FILE.\n")));
        File.WriteAllText(FilePath, "none");
        var none = await AsAsync("auth", "whoami");
        Assert.That(none.ExitCode, Is.EqualTo(2));
        Assert.That(none.Error, Does.Contain("holds no token"));
    }
}
