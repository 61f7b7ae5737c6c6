using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Consensus.Primitives;
using Consensus.Security.Tokens;

namespace Consensus.Security.Tests.Tokens;

/// <summary>What a token looks like, and what is none.</summary>
public sealed partial class BearerTokenTests
{
    /// <summary>As another program would make it: the checksum was computed by hand once.</summary>
    private const string Known = "cns1_AAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

    [Test]
    public void A_token_is_one_word_with_an_id_a_secret_and_a_checksum()
    {
        var token = BearerToken.Create();
        Assert.That(token.Text, Does.Match(Form()).And.Length.EqualTo(BearerToken.Length));
        Assert.That(token.Id, Is.EqualTo(token.Text[5..16]));
        Assert.That(token.SecretHash.ToArray(), Is.EqualTo(SHA256.HashData(Encoding.ASCII.GetBytes(token.Text[16..59]))));
        Assert.That(BearerToken.TryParse(token.Text, out var read), Is.True);
        Assert.That((read!.Id, read.Text), Is.EqualTo((token.Id, token.Text)));
        Assert.That(read.HasSecretOf(token.SecretHash), Is.True);
        Assert.That(read.HasSecretOf(BearerToken.Create().SecretHash), Is.False);
    }

    [Test]
    public void No_two_are_alike_and_none_tells_its_secret_by_itself()
    {
        var all = Enumerable.Range(0, 1_000).Select(static _ => BearerToken.Create()).ToList();
        Assert.That(all.Select(static token => token.Id), Is.Unique);
        Assert.That(all.Select(static token => Convert.ToHexString(token.SecretHash)), Is.Unique);
        Assert.That(string.Concat(all.Select(static token => token.Text[5..59])).Distinct().Count(), Is.EqualTo(62), "each letter is used");
        Assert.That($"{all[0]}", Is.EqualTo($"cns1_{all[0].Id}…"));
    }

    [Test]
    public void The_checksum_is_CRC_32C_to_the_base_62_in_six_letters()
    {
        const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        var number = (long)Crc32C.Of(Encoding.ASCII.GetBytes(Known));
        var checksum = "";
        for (var i = 0; i < 6; i++)
        {
            checksum = Digits[(int)(number % 62)] + checksum;
            number /= 62;
        }
        Assert.That(Known, Has.Length.EqualTo(59));
        Assert.That(BearerToken.TryParse(Known + checksum, out _), Is.True);
    }

    [Test]
    public void Row_24_Each_letter_that_is_another_makes_it_no_token([Values] bool isNextLetter)
    {
        var text = BearerToken.Create().Text;
        for (var i = 0; i < text.Length; i++)
        {
            var letters = text.ToCharArray();
            letters[i] = isNextLetter ? (char)(letters[i] + 1) : letters[i] == 'A' ? 'B' : 'A';
            Assert.That(BearerToken.TryParse(letters, out var token), Is.False, $"at {i}");
            Assert.That(token, Is.Null);
        }
    }

    [Test]
    public void Whatever_else_is_no_token()
    {
        var text = BearerToken.Create().Text;
        foreach (var wrong in (string[])
        [
            "", "cns1_", text[..^1], text + "A", " " + text, text + " ", text.ToUpperInvariant(), "cns2" + text[4..], new string('é', 65),
        ])
        {
            Assert.That(BearerToken.TryParse(wrong, out _), Is.False, wrong);
        }
    }

    [GeneratedRegex("^cns1_[0-9A-Za-z]{60}$")]
    private static partial Regex Form();
}
