using Consensus.Security.Certificates;
using Consensus.Security.Issuing;

namespace Consensus.Security.Tokens;

/// <summary>A file with one token and white space around it: where a program finds its token, and a command puts the next one.</summary>
public static class TokenFile
{
    /// <summary>Reads the token.</summary>
    /// <param name="path">The file.</param>
    /// <param name="label">What a sentence calls it.</param>
    /// <exception cref="BundleException">It cannot be read, everybody can read it, or it holds no token.</exception>
    public static BearerToken Read(string path, string label)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return BearerToken.TryParse(BundleText.OfSecret(path, label).AsSpan().Trim(), out var token)
            ? token
            : throw new BundleException(
                $"{label} holds no token: one word of {BearerToken.Length} letters and digits that begins with {BearerToken.Prefix}");
    }

    /// <summary>Makes the file, for its user alone to read.</summary>
    /// <exception cref="BundleException">There is such a file, or it cannot be written.</exception>
    public static void WriteNew(string path, BearerToken token)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(token);
        OwnFile.WriteNew(path, token.Text + "\n");
    }

    /// <summary>Puts the token in the place of what the file holds, by one rename. Whoever could read it still can, but for everybody.</summary>
    /// <exception cref="BundleException">It cannot be written, and holds what it held.</exception>
    public static void Replace(string path, BearerToken token)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(token);
        OwnFile.Replace(path, token.Text + "\n");
    }
}
