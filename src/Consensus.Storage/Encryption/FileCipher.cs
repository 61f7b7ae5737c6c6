using System.Buffers.Binary;
using System.Security.Cryptography;
using Consensus.Primitives;

namespace Consensus.Storage.Encryption;

/// <summary>
/// Seals or opens the parts of one file with AES-256-GCM under the file's own data key. One thread at a time.
/// <para>
/// No nonce is ever used for two contents. The data key is 256 random bits, drawn by whoever makes the file; it leaves the process only
/// sealed, in the file's header. A cipher made from a header therefore opens and never seals: only the object that drew the key seals with
/// it, so that after a crash, after a tail that was cut and on a disk image that was put back, what is written goes to a new file under a
/// new key. Within one object the nonce is the part's number, and numbers only rise: a frame sequence or a section's place. A part that is
/// written to disk again is written with the bytes that it had.
/// </para>
/// </summary>
internal sealed class FileCipher : IDisposable
{
    /// <summary>How much longer a sealed part is.</summary>
    public const int TagBytes = 16;

    private readonly AesGcm _aes;
    private readonly bool _seals;
    private SealedFiles? _files;
    private long _lastNumber = -1;

    private FileCipher(string keyId, ReadOnlySpan<byte> dataKey, bool seals, SealedFiles? files = null) =>
        (KeyId, _aes, _seals, _files) = (keyId, new AesGcm(dataKey, TagBytes), seals, files);

    /// <summary>The key of the key file that the data key is sealed with.</summary>
    public string KeyId { get; }

    /// <summary>Draws a data key, and seals it with <paramref name="key"/>.</summary>
    /// <param name="context">What the file's header says beside: sealed along, so that another header's key cannot be put there.</param>
    /// <param name="files">Count the file as one that needs the key, until this is disposed of.</param>
    public static FileCipher Draw(EncryptionKey key, ReadOnlySpan<byte> context, out SealedKey carried, SealedFiles? files = null)
    {
        Span<byte> dataKey = stackalloc byte[EncryptionKey.SecretBytes];
        RandomNumberGenerator.Fill(dataKey);
        carried = new SealedKey(key.Id, RandomNumberGenerator.GetBytes(SealedKey.NonceBytes), new byte[SealedKey.SealedBytes]);
        using (var aes = new AesGcm(key.Secret, TagBytes))
        {
            aes.Encrypt(carried.Nonce, dataKey, carried.Sealed.AsSpan(0, dataKey.Length), carried.Sealed.AsSpan(dataKey.Length), context);
        }
        var cipher = new FileCipher(key.Id, dataKey, seals: true, files);
        CryptographicOperations.ZeroMemory(dataKey);
        files?.Begin(key.Id);
        return cipher;
    }

    /// <summary>Opens what a header carries; null when it was changed, or sealed with another key or for another header.</summary>
    public static FileCipher? Of(EncryptionKey key, SealedKey carried, ReadOnlySpan<byte> context)
    {
        Span<byte> dataKey = stackalloc byte[EncryptionKey.SecretBytes];
        using var aes = new AesGcm(key.Secret, TagBytes);
        try
        {
            aes.Decrypt(carried.Nonce, carried.Sealed.AsSpan(0, dataKey.Length), carried.Sealed.AsSpan(dataKey.Length), dataKey, context);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        var cipher = new FileCipher(key.Id, dataKey, seals: false);
        CryptographicOperations.ZeroMemory(dataKey);
        return cipher;
    }

    /// <summary>Seals a part where it lies. Allocates nothing.</summary>
    /// <param name="number">The part's own, above that of every part before.</param>
    /// <param name="part">The plain bytes, and behind them room for the tag.</param>
    /// <param name="context">What stands in plain beside it and must not be another.</param>
    public void Seal(long number, Span<byte> part, ReadOnlySpan<byte> context)
    {
        Invariant.Require(_seals && number > _lastNumber, "no two contents are sealed under one key and nonce");
        _lastNumber = number;
        Span<byte> nonce = stackalloc byte[SealedKey.NonceBytes];
        WriteNonce(nonce, number);
        var plain = part[..^TagBytes];
        _aes.Encrypt(nonce, plain, plain, part[^TagBytes..], context);
    }

    /// <summary>
    /// Opens a part into <paramref name="plain"/>, which may be where it lies. False when it was changed or is of another key.
    /// </summary>
    /// <param name="part">What <see cref="Seal"/> made, of at least <see cref="TagBytes"/>.</param>
    /// <param name="plain">Shorter than it by the tag.</param>
    public bool TryOpen(long number, ReadOnlySpan<byte> part, Span<byte> plain, ReadOnlySpan<byte> context)
    {
        Span<byte> nonce = stackalloc byte[SealedKey.NonceBytes];
        WriteNonce(nonce, number);
        try
        {
            _aes.Decrypt(nonce, part[..^TagBytes], part[^TagBytes..], plain, context);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _aes.Dispose();
        Interlocked.Exchange(ref _files, null)?.End(KeyId);
    }

    private static void WriteNonce(Span<byte> nonce, long number)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(nonce, number);
    }
}
