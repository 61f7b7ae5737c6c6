using Consensus.Primitives;
using Consensus.Storage.Encryption;

namespace Consensus.Storage.Tests.Encryption;

/// <summary>The one object that seals, and what it refuses to do.</summary>
public sealed class FileCipherTests
{
    private static readonly EncryptionKey Key = new("k1", [.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
    private static readonly byte[] Context = [1, 2, 3];

    [Test]
    public void What_was_sealed_is_opened_with_the_key_that_its_header_carries()
    {
        using var sealing = FileCipher.Draw(Key, Context, out var carried);
        var part = Part();
        sealing.Seal(7, part, [9]);
        Assert.That(part.AsSpan(0, 100).IndexOfAnyExcept((byte)5), Is.Not.EqualTo(-1));
        using var opening = FileCipher.Of(Key, carried, Context)!;
        var plain = new byte[100];
        Assert.That(opening.TryOpen(7, part, plain, [9]), Is.True);
        Assert.That(plain, Is.All.EqualTo(5));
        Assert.That(opening.TryOpen(8, part, plain, [9]), Is.False, "another number");
        Assert.That(opening.TryOpen(7, part, plain, [8]), Is.False, "another context");
        part[3] ^= 1;
        Assert.That(opening.TryOpen(7, part, plain, [9]), Is.False, "another content");
    }

    [Test]
    public void A_carried_key_opens_with_no_other_context_and_no_other_key()
    {
        FileCipher.Draw(Key, Context, out var carried).Dispose();
        Assert.That(FileCipher.Of(Key, carried, [1, 2]), Is.Null);
        Assert.That(FileCipher.Of(Key with { Secret = new byte[32] }, carried, Context), Is.Null);
    }

    [Test]
    public void Who_read_a_key_from_a_header_never_seals_with_it()
    {
        FileCipher.Draw(Key, Context, out var carried).Dispose();
        using var opening = FileCipher.Of(Key, carried, Context)!;
        Assert.That(() => opening.Seal(1, Part(), Context), Throws.TypeOf<InvariantViolationException>());
    }

    [Test]
    public void No_number_is_sealed_twice_and_none_below_one_that_was()
    {
        using var sealing = FileCipher.Draw(Key, Context, out _);
        sealing.Seal(5, Part(), Context);
        Assert.That(() => sealing.Seal(5, Part(), Context), Throws.TypeOf<InvariantViolationException>());
        Assert.That(() => sealing.Seal(4, Part(), Context), Throws.TypeOf<InvariantViolationException>());
        sealing.Seal(6, Part(), Context);
    }

    [Test]
    public void Two_files_have_two_keys()
    {
        using var one = FileCipher.Draw(Key, Context, out var first);
        using var two = FileCipher.Draw(Key, Context, out var second);
        var (here, there) = (Part(), Part());
        one.Seal(1, here, Context);
        two.Seal(1, there, Context);
        Assert.That(here, Is.Not.EqualTo(there));
        Assert.That(first.Sealed, Is.Not.EqualTo(second.Sealed));
        Assert.That(first.Nonce, Is.Not.EqualTo(second.Nonce));
    }

    /// <summary>The log's thread seals each frame before its flush.</summary>
    [Test]
    public void Sealing_allocates_nothing()
    {
        using var sealing = FileCipher.Draw(Key, Context, out _);
        var part = Part();
        sealing.Seal(0, part, Context);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var number = 1; number <= 1000; number++)
        {
            sealing.Seal(number, part, Context);
        }
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    /// <summary>A hundred bytes of 5, and room for the tag.</summary>
    private static byte[] Part() => [.. Enumerable.Repeat((byte)5, 100), .. new byte[FileCipher.TagBytes]];
}
