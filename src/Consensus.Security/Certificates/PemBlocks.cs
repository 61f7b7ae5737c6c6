using System.Security.Cryptography;

namespace Consensus.Security.Certificates;

/// <summary>One block of a PEM text.</summary>
/// <param name="Label">What it is, such as <c>CERTIFICATE</c>.</param>
/// <param name="Text">The block with its borders.</param>
/// <param name="Data">What stands between them.</param>
internal sealed record PemBlock(string Label, string Text, byte[] Data);

/// <summary>Reads a PEM text whole: no block is passed over because it is damaged or unknown, as a library would.</summary>
internal static class PemBlocks
{
    public const string Certificate = "CERTIFICATE";

    private const string Border = "-----BEGIN ";

    /// <summary>More than any bundle has; a text of borders alone would take long to search.</summary>
    private const int MaxBlocks = 256;

    private static readonly string[] Keys = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"];

    private static readonly string[] EncryptedKeys = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];

    public static bool IsKey(PemBlock block) => Keys.Contains(block.Label);

    /// <exception cref="BundleException">Something in it cannot be read.</exception>
    public static IReadOnlyList<PemBlock> Read(string pem, string label)
    {
        if (EncryptedKeys.Any(mark => pem.Contains(mark, StringComparison.Ordinal)))
        {
            throw new BundleException(
                $"{label}: its private key is encrypted, and nobody is there to type the password: openssl pkey -in FILE takes it off");
        }
        var begun = pem.AsSpan().Count(Border);
        if (begun > MaxBlocks)
        {
            throw new BundleException($"{label} has {begun} PEM blocks; {MaxBlocks} are the most");
        }
        var blocks = new List<PemBlock>();
        var rest = pem.AsSpan();
        while (PemEncoding.TryFind(rest, out var fields))
        {
            var data = new byte[fields.DecodedDataLength];
            if (Convert.TryFromBase64Chars(rest[fields.Base64Data], data, out var count))
            {
                blocks.Add(new PemBlock(rest[fields.Label].ToString(), rest[fields.Location].ToString(), data[..count]));
            }
            rest = rest[fields.Location.End..];
        }
        if (blocks.Count != begun)
        {
            throw new BundleException($"{label} is damaged: {begun - blocks.Count} of its {begun} PEM blocks cannot be read");
        }
        // OpenSSL writes the curve's name before a key of the old form; the key says it again.
        blocks.RemoveAll(block => block.Label == "EC PARAMETERS");
        return blocks.Find(block => block.Label != Certificate && !IsKey(block)) is { } stranger
            ? throw new BundleException($"{label} holds a block '{stranger.Label}', which is neither a certificate nor a private key")
            : blocks;
    }
}
