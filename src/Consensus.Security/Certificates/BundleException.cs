namespace Consensus.Security.Certificates;

/// <summary>
/// A bundle, or what a command was to make of one, is refused. The message is one sentence, without its stop, that begins with the file.
/// </summary>
public sealed class BundleException : Exception
{
    /// <summary>Without a sentence.</summary>
    public BundleException()
    {
    }

    /// <summary>With the sentence.</summary>
    public BundleException(string message)
        : base(message)
    {
    }

    /// <summary>With the sentence and what led to it.</summary>
    public BundleException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
