using System.Buffers;
using Consensus.Security.Certificates;
using Consensus.Security.Issuing;

namespace Consensus.Security.Tokens;

/// <summary>A file with one token and white space around it: where a program finds its token, and a command puts the next one.</summary>
public static class TokenFile
{
    /// <summary>A longer JSON Web Token no member takes.</summary>
    private const int MostWebTokenCharacters = 8 * 1024;

    private static readonly SearchValues<char> WebTokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>
    /// Reads what is shown to members: a token of the cluster's, or a JSON Web Token, which may be for everybody of the machine to read.
    /// Whoever mounts one (a pod's kubelet, with 0644) lets nobody change that, and it is of use for hours, where the other is for months.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="label">What a sentence calls it.</param>
    /// <param name="token">The cluster's own; null for a JSON Web Token.</param>
    /// <returns>The word itself.</returns>
    /// <exception cref="BundleException">It cannot be read, holds neither, or a token of the cluster's that everybody can read.</exception>
    public static string ReadShown(string path, string label, out BearerToken? token)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        token = null;
        var text = BundleText.OfAnchors(path, label).AsSpan().Trim();
        if (IsWebToken(text))
        {
            return text.ToString();
        }
        if (text.Contains('.'))
        {
            throw new BundleException($"{label} holds no token: neither one that begins with {BearerToken.Prefix}, nor a JSON Web Token, "
                + $"three words of letters, digits, - and _ with a stop between, of at most {MostWebTokenCharacters} characters in all");
        }
        token = Read(path, label);
        return token.Text;
    }

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

    /// <summary>By its form alone (RFC 7515 §3.1): whether it is believed, the member says.</summary>
    private static bool IsWebToken(ReadOnlySpan<char> text)
    {
        if (text.Length > MostWebTokenCharacters || text.Count('.') != 2)
        {
            return false;
        }
        foreach (var part in text.Split('.'))
        {
            if (text[part].IsEmpty || text[part].ContainsAnyExcept(WebTokenCharacters))
            {
                return false;
            }
        }
        return true;
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
