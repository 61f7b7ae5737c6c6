using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Consensus.Node.Ports;
using Consensus.Primitives;

namespace Consensus.Storage.Encryption;

/// <summary>One line of a key file.</summary>
/// <param name="Id">What files that are sealed with it call it; of the characters of a member's name.</param>
/// <param name="Secret">32 bytes, zeroed once the key is out of use.</param>
internal sealed record EncryptionKey(string Id, byte[] Secret)
{
    public const int SecretBytes = 32;

    /// <summary>The secret stays out of whatever prints one.</summary>
    public override string ToString() => Id;

    public bool IsSameAs(EncryptionKey other) => Id == other.Id && CryptographicOperations.FixedTimeEquals(Secret, other.Secret);
}

/// <summary>
/// What a key file holds: lines of an id and 32 bytes in base64. The first key seals what is written; all of them open what is there. With
/// the word <c>plain</c> as its first line nothing new is sealed: the way back out of encryption. With the word <c>sealed</c> there nothing
/// that is in plain is opened: the key file lies apart from the disk, so that whoever writes to that one cannot take the word away.
/// </summary>
internal sealed class KeySet
{
    private const string PlainWord = "plain";
    private const string SealedWord = "sealed";

    private const string Form = "write an id, a blank and 32 bytes in base64, as openssl rand -base64 32 makes them";

    private readonly List<EncryptionKey> _keys = [];
    private readonly string _word;

    private KeySet(List<EncryptionKey> keys, string word) => (_keys, _word) = (keys, word);

    /// <summary>Seals what is written; null: it is written in plain.</summary>
    public EncryptionKey? First => _word == PlainWord ? null : _keys[0];

    /// <summary>A file that is in plain is opened as well.</summary>
    public bool OpensPlain => _word != SealedWord;

    /// <summary>
    /// Reads a key file's text. Throws <see cref="StorageRefusedException"/>, which never quotes a line: it may hold a key.
    /// </summary>
    /// <param name="label">What a sentence calls the file.</param>
    public static KeySet Parse(ReadOnlySpan<byte> text, string label)
    {
        var keys = new List<EncryptionKey>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        var word = "";
        var number = 0;
        foreach (var range in text.Split((byte)'\n'))
        {
            number++;
            var line = text[range].Trim(" \t\r"u8);
            if (line.IsEmpty || line[0] == '#')
            {
                continue;
            }
            if (keys.Count == 0 && word.Length == 0 && (line.SequenceEqual("plain"u8) || line.SequenceEqual("sealed"u8)))
            {
                word = Encoding.ASCII.GetString(line);
                continue;
            }
            var key = ReadLine(line)
                ?? throw new StorageRefusedException($"{label}: line {number} is no key: {Form}");
            keys.Add(key);
            if (!lines.TryAdd(key.Id, number))
            {
                throw new StorageRefusedException(
                    $"{label}: line {number} has the id {key.Id}, which line {lines[key.Id]} has too: give each key an id of its own");
            }
        }
        return keys.Count > 0
            ? new KeySet(keys, word)
            : throw new StorageRefusedException($"{label} holds no key: {Form}");
    }

    public EncryptionKey? Find(string id) => _keys.Find(key => key.Id == id);

    /// <summary>The same keys in the same order.</summary>
    public bool IsSameAs(KeySet other) =>
        _word == other._word
        && _keys.Count == other._keys.Count
        && _keys.Zip(other._keys).All(pair => pair.First.IsSameAs(pair.Second));

    /// <summary>A key that has other bytes here than there, under the same id; null when there is none.</summary>
    public EncryptionKey? FirstThatDiffers(KeySet other) => _keys.Find(key => other.Find(key.Id) is { } there && !key.IsSameAs(there));

    /// <summary>Nobody uses it any more.</summary>
    public void Zero() => _keys.ForEach(key => CryptographicOperations.ZeroMemory(key.Secret));

    private static EncryptionKey? ReadLine(ReadOnlySpan<byte> line)
    {
        var end = line.IndexOfAny(" \t"u8);
        if (end <= 0)
        {
            return null;
        }
        var id = Encoding.Latin1.GetString(line[..end]);
        Span<byte> decoded = stackalloc byte[EncryptionKey.SecretBytes + 1];
        var encoded = line[end..].Trim(" \t"u8);
        var isKey = MemberName.IsValid(id)
            && Base64.DecodeFromUtf8(encoded, decoded, out var consumed, out var written) == System.Buffers.OperationStatus.Done
            && (consumed, written) == (encoded.Length, EncryptionKey.SecretBytes);
        var key = isKey ? new EncryptionKey(id, decoded[..EncryptionKey.SecretBytes].ToArray()) : null;
        CryptographicOperations.ZeroMemory(decoded);
        return key;
    }
}
