using System.Net.Sockets;
using Consensus.Transport.Dialing;

namespace Consensus.Transport.Tests.Dialing;

/// <summary>
/// A dial's error is told as what it says of the process that stood there: one that is reset is dying, and is asked again whether it is gone.
/// </summary>
public sealed class DialErrorTests
{
    [Test]
    public void A_connection_that_was_reset_is_broken_whichever_call_meets_it(
        [Values(SocketError.ConnectionReset, SocketError.ConnectionAborted, SocketError.NotConnected, SocketError.Shutdown)]
        SocketError error) =>
        Assert.That(PeerDialer.StatusOf(error), Is.EqualTo(DialStatus.Broken));

    [Test]
    public void What_has_no_way_is_unreachable(
        [Values(SocketError.HostUnreachable, SocketError.NetworkUnreachable, SocketError.HostNotFound)] SocketError error) =>
        Assert.That(PeerDialer.StatusOf(error), Is.EqualTo(DialStatus.Unreachable));
}
