namespace Consensus.Transport.Tls;

/// <summary>Why a TLS handshake between members failed.</summary>
internal enum PeerTlsFailure
{
    /// <summary>One side does not believe the other, or does not speak TLS: a person has to look.</summary>
    NotBelieved,

    /// <summary>It was not over in time.</summary>
    TimedOut,

    /// <summary>The connection closed or broke, as any may.</summary>
    Closed,
}

/// <summary>A TLS handshake with a peer failed. The message ends a sentence that names the peer or its address.</summary>
internal sealed class PeerTlsException(PeerTlsFailure failure, string message, Exception? inner = null) : IOException(message, inner)
{
    public PeerTlsFailure Failure { get; } = failure;
}
