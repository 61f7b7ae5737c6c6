using System.Text;

namespace Consensus.Security.Certificates;

/// <summary>Reads a file that says whom to believe: no secret, but nobody else may change it.</summary>
public static class SharedFile
{
    /// <summary>All of it, 1 MiB at most. Whoever may read it; a FIFO, a directory or a terminal is none.</summary>
    /// <param name="label">What a sentence calls it, for example <c>--jwt issuers.json</c>.</param>
    /// <exception cref="BundleException">It cannot be read, is too large, or everybody may change it.</exception>
    public static byte[] Read(string path, string label) => Encoding.Latin1.GetBytes(BundleText.OfAnchors(path, label));
}
