using Consensus.Primitives.Wire;

namespace Consensus.Storage.Encryption;

/// <summary>The data key of one file as its header carries it: sealed with a key of the key file.</summary>
/// <param name="KeyId">Which key that is.</param>
/// <param name="Nonce">12 random bytes.</param>
/// <param name="Sealed">32 bytes of ciphertext and 16 of tag.</param>
internal sealed record SealedKey(string KeyId, byte[] Nonce, byte[] Sealed)
{
    public const int NonceBytes = 12;
    public const int SealedBytes = EncryptionKey.SecretBytes + FileCipher.TagBytes;

    public void Write(WireWriter writer)
    {
        writer.String(1, KeyId);
        writer.Bytes(2, Nonce);
        writer.Bytes(3, Sealed);
    }

    public static SealedKey Read(ReadOnlySpan<byte> bytes)
    {
        var id = "";
        byte[] nonce = [], key = [];
        var reader = new WireReader(bytes);
        while (reader.NextField())
        {
            switch (reader.Field)
            {
                case 1: id = reader.String(); break;
                case 2: nonce = reader.Bytes().ToArray(); break;
                case 3: key = reader.Bytes().ToArray(); break;
                default: reader.RefuseUnknown("its sealed key"); break;
            }
        }
        return nonce.Length == NonceBytes && key.Length == SealedBytes
            ? new SealedKey(id, nonce, key)
            : throw new WireFormatException("has a damaged header: its sealed key has an impossible length");
    }
}
