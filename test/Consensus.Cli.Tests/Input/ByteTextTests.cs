using System.Text;
using Consensus.Cli.Input;
using Consensus.Cli.Output;
using Consensus.Fuzzing;

namespace Consensus.Cli.Tests.Input;

internal sealed class ByteTextTests
{
    [TestCase("caf\u00e9 \ud83d\ude00 \ufffd")]
    [TestCase("")]
    public void Text_is_that_text(string text)
    {
        Assert.That(ByteText.Decode(Encoding.UTF8.GetBytes(text)), Is.EqualTo(text));
        Assert.That(ByteText.Encode(text), Is.EqualTo(Encoding.UTF8.GetBytes(text)));
        Assert.That(ByteText.IsText(text));
    }

    [TestCase("636166e9", @"caf\xe9")]
    [TestCase("eda080", @"\xed\xa0\x80")]
    [TestCase("f09f", @"\xf0\x9f")]
    [TestCase("f09f41", @"\xf0\x9fA")]
    [TestCase("c080ff", @"\xc0\x80\xff")]
    [TestCase("f09f9880ff", "\ud83d\ude00\\xff")]
    public void Bytes_that_are_no_text_are_kept_and_shown_one_by_one(string bytes, string shown)
    {
        var text = ByteText.Decode(Convert.FromHexString(bytes));
        Assert.That(Plain.OneLine(text), Is.EqualTo(shown));
        Assert.That(Convert.ToHexStringLower(ByteText.Encode(text)), Is.EqualTo(bytes));
        Assert.That(ByteText.IsText(text), Is.False);
    }

    [Test]
    public void Any_bytes_come_back_as_they_were([Range(1, 3)] int seed)
    {
        var random = Mutator.Random(seed);
        for (var round = Mutator.Rounds(500); round > 0; round--)
        {
            var bytes = Mutator.Change("a\u00e9\u20ac\ud83d\ude00\ufffd"u8.ToArray(), random);
            Assert.That(ByteText.Encode(ByteText.Decode(bytes)), Is.EqualTo(bytes), Convert.ToHexString(bytes));
        }
    }

    [TestCase(0xD83D)]
    [TestCase(0xDC41)]
    public void A_surrogate_that_stands_for_no_byte_is_neither_text_nor_bytes(int surrogate)
    {
        var text = $"a{(char)surrogate}";
        Assert.That(ByteText.IsText(text), Is.False);
        Assert.That(() => ByteText.Encode(text), Throws.ArgumentException);
        Assert.That(Plain.OneLine(text), Is.EqualTo(@$"a\u{surrogate:x4}"));
    }
}
