using Consensus.Client.Transport;
using Consensus.Security.Certificates;
using Consensus.Security.Tokens;
using Microsoft.Extensions.Logging;

namespace Consensus.Client;

/// <summary>
/// A token that says who a client is, from a file: it is sent with each request, over https or to this machine alone. One object may serve
/// any number of clients. Thread-safe.
/// </summary>
public sealed class ClientToken
{
    private readonly FileContent<TokenHeader> _content;

    /// <summary>
    /// Reads the file. It is read again when a request is sent and a minute has passed, and when a member answers 401; what cannot be used
    /// then changes nothing, and is logged.
    /// </summary>
    /// <param name="tokenFile">
    /// One token and white space around it: one of the cluster's, not for everybody to read, or a JSON Web Token of an issuer that the
    /// members believe.
    /// </param>
    /// <exception cref="ArgumentException">It cannot be used; the inner exception's message is the sentence that says why.</exception>
    public ClientToken(string tokenFile)
        : this(tokenFile, tokenFile)
    {
    }

    /// <param name="label">What a sentence calls the file.</param>
    internal ClientToken(string tokenFile, string label)
    {
        ArgumentException.ThrowIfNullOrEmpty(tokenFile);
        TokenFile = tokenFile;
        try
        {
            _content = new FileContent<TokenHeader>(
                TokenHeader.Read(tokenFile, label),
                () => TokenHeader.Read(tokenFile, label),
                static (found, before) => found.Text == before.Text);
        }
        catch (BundleException error)
        {
            throw new ArgumentException(error.Message, nameof(tokenFile), error);
        }
    }

    /// <summary>The file, as it was given.</summary>
    public string TokenFile { get; }

    /// <summary>Whether a token may be sent there: nobody else hears it.</summary>
    internal static bool MayGoTo(Uri endpoint) => endpoint.Scheme == Uri.UriSchemeHttps || endpoint.IsLoopback;

    /// <summary>What a request is sent with.</summary>
    internal TokenHeader Current(TimeProvider clock, ILogger? logger) => _content.Current(clock, logger);

    /// <summary>The file is not read again. The token that goes on to be sent; null: it is a JSON Web Token.</summary>
    internal BearerToken? Keep() => _content.Keep().Token;

    /// <summary>A member did not take this. Whether there is another by now.</summary>
    internal bool IsReplaced(TokenHeader refused, TimeProvider clock, ILogger? logger) => _content.IsReplaced(refused, clock, logger);
}

/// <summary>The header that carries a token.</summary>
/// <param name="Token">The cluster's own; null for a JSON Web Token.</param>
/// <param name="Text">Its value.</param>
internal sealed record TokenHeader(BearerToken? Token, string Text)
{
    /// <exception cref="BundleException">The file cannot be used; says why.</exception>
    public static TokenHeader Read(string file, string label)
    {
        var text = TokenFile.ReadShown(file, label, out var token);
        return new TokenHeader(token, "Bearer " + text);
    }

    /// <summary>Without the secret.</summary>
    public override string ToString() => Token?.ToString() ?? "a JSON Web Token";
}
