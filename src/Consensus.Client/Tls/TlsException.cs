namespace Consensus.Client.Tls;

/// <summary>A connection could not be secured, so that nothing was sent over it. The message is a sentence.</summary>
/// <param name="isLasting">Asking again finds the same: somebody has to change a certificate, an address or an option.</param>
internal sealed class TlsException(string sentence, bool isLasting, Exception? inner) : IOException(sentence, inner)
{
    public bool IsLasting => isLasting;

    /// <summary>The server heard who this is, and closed without a word.</summary>
    public bool IsUnwanted { get; init; }

    /// <summary>The one behind a failure; null: it has another reason.</summary>
    public static TlsException? In(Exception? failure)
    {
        for (var error = failure; error is not null; error = error.InnerException)
        {
            if (error is TlsException found)
            {
                return found;
            }
        }
        return null;
    }
}
