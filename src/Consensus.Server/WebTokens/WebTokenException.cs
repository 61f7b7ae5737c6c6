namespace Consensus.Server.WebTokens;

/// <summary>A file of issuers, or of keys, is refused. The message is one sentence, without its stop, that begins with the file.</summary>
internal sealed class WebTokenException : Exception
{
    /// <summary>Without a sentence.</summary>
    public WebTokenException()
    {
    }

    /// <summary>With the sentence.</summary>
    public WebTokenException(string message)
        : base(message)
    {
    }

    /// <summary>With the sentence and what led to it.</summary>
    public WebTokenException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
