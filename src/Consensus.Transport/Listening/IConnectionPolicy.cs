using Consensus.Transport.Handshake;

namespace Consensus.Transport.Listening;

/// <summary>Decides what accepted connections may do. Called on the connections' threads, many at a time.</summary>
internal interface IConnectionPolicy
{
    /// <summary>Judges a Hello; returns at once.</summary>
    HandshakeReply Judge(Hello hello);

    /// <summary>Before a Welcome is sent. What it gives is disposed of when the connection is over, whether the Welcome arrived or not.</summary>
    IDisposable? Announce(Hello hello) => null;

    /// <summary>Uses a connection whose Welcome was sent, until it ends. It is closed on return.</summary>
    void Serve(Hello hello, AcceptedConnection connection);
}

/// <summary>Before the member knows who it is: everyone shall try again.</summary>
internal sealed class NotReadyPolicy : IConnectionPolicy
{
    public HandshakeReply Judge(Hello hello) =>
        new Refusal(
            RefusalCode.NotReady, $"{(hello.Wanted.Length > 0 ? hello.Wanted : "It")} is still starting.", Primitives.ClusterId.None, "");

    public void Serve(Hello hello, AcceptedConnection connection)
    {
        // Nobody was welcomed.
    }
}
