using System.Runtime.Versioning;
using Consensus.Security.Certificates;
using Consensus.Security.Tokens;

namespace Consensus.Security.Tests.Tokens;

/// <summary>Where a program keeps its token.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class TokenFileTests
{
    private string _directory = null!;

    private string FilePath => Path.Combine(_directory, "token");

    [SetUp]
    public void Make() => _directory = Directory.CreateTempSubdirectory("tokens").FullName;

    [TearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    private string Refusal() => Assert.Throws<BundleException>(() => TokenFile.Read(FilePath, "--token-file t"))!.Message;

    [Test]
    public void A_token_is_written_for_its_owner_alone_and_read_with_white_space_around_it()
    {
        var token = BearerToken.Create();
        TokenFile.WriteNew(FilePath, token);
        Assert.That(TokenFile.Read(FilePath, "t").Text, Is.EqualTo(token.Text));
        Assert.That(File.GetUnixFileMode(FilePath), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(
            () => TokenFile.WriteNew(FilePath, BearerToken.Create()),
            Throws.TypeOf<BundleException>().With.Message.Contains("is there already"));
        Assert.That(TokenFile.Read(FilePath, "t").Text, Is.EqualTo(token.Text));
        File.WriteAllText(FilePath, $"\r\n {token.Text}\t\n\n");
        Assert.That(TokenFile.Read(FilePath, "t").Text, Is.EqualTo(token.Text));
    }

    [Test]
    public void Another_takes_its_place_by_a_rename_that_readers_never_see_half_of()
    {
        TokenFile.WriteNew(FilePath, BearerToken.Create());
        using var before = File.OpenRead(FilePath);
        var next = BearerToken.Create();
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        TokenFile.Replace(FilePath, next);
        Assert.That(TokenFile.Read(FilePath, "t").Text, Is.EqualTo(next.Text));
        Assert.That(new StreamReader(before).ReadToEnd().Trim(), Is.Not.EqualTo(next.Text), "it is another file");
        Assert.That(File.GetUnixFileMode(FilePath), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead));
        Assert.That(Directory.GetFiles(_directory), Has.Length.EqualTo(1));
    }

    [Test]
    public void Row_49_A_file_that_everybody_can_read_or_that_holds_no_token_is_refused()
    {
        Assert.That(Refusal(), Is.EqualTo("--token-file t: there is no such file"));
        File.WriteAllText(FilePath, BearerToken.Create().Text);
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.That(Refusal(), Does.StartWith("--token-file t can be read by everybody (0404): chmod 600 "));
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var text = BearerToken.Create().Text;
        foreach (var content in (string[])["", "Bearer " + text, text + "\n" + text, text[..^1]])
        {
            File.WriteAllText(FilePath, content);
            Assert.That(
                Refusal(), Is.EqualTo("--token-file t holds no token: one word of 65 letters and digits that begins with cns1_"), content);
        }
    }
}
