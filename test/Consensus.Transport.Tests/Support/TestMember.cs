using System.Net;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Security.Generations;
using Consensus.Transport.Listening;

namespace Consensus.Transport.Tests.Support;

/// <summary>A formed member with a real listener on loopback.</summary>
internal sealed class TestMember : IDisposable
{
    public TestMember(
        string name,
        long boot = 1,
        long incarnation = 1,
        string token = Identities.Token,
        ClusterId? cluster = null,
        int? port = null,
        Func<PeerTransportOptions, PeerTransportOptions>? with = null,
        ITlsSource? tls = null,
        Func<PeerListenerOptions, PeerListenerOptions>? listening = null)
    {
        Identity = Identities.Formed(name, incarnation, token, cluster);
        Boot = boot;
        var listen = new PeerListenerOptions { Fatal = Record, Tls = tls, Log = (_, message) => Log.Add(message) };
        Listener = PeerListener.Start(new IPEndPoint(IPAddress.Loopback, port ?? FreePorts.Next()), listening?.Invoke(listen) ?? listen);
        var options = new PeerTransportOptions
        {
            Identity = Identity,
            Boot = boot,
            AdvertisedAddress = Listener.EndPoint.ToString(),
            Log = (_, message) => Log.Add(message),
            Fatal = Record,
            Tls = tls,
        };
        Transport = new PeerTransport(Listener, with?.Invoke(options) ?? options, Events);
    }

    public DirectoryIdentity Identity { get; }

    public MemberId Id => Identity.Member;

    public long Boot { get; }

    public PeerListener Listener { get; }

    public PeerTransport Transport { get; }

    public RecordingEvents Events { get; } = new();

    public System.Collections.Concurrent.ConcurrentBag<string> Log { get; } = [];

    /// <summary>What would have ended the process.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<(string What, Exception? Failure)> Fatal { get; } = [];

    public PeerEndpoint Endpoint => Identities.EndpointOf(Identity, Listener.EndPoint.ToString());

    public void SendNow(MemberId to, byte[] frame)
    {
        Assert.That(Transport.Send(to, frame), Is.True);
        Transport.Flush();
    }

    public void Dispose() => Transport.Dispose();

    private void Record(string what, Exception? failure) => Fatal.Enqueue((what, failure));

    /// <summary>Each has the others as peers, and all outgoing links stand.</summary>
    public static void Link(params TestMember[] members)
    {
        foreach (var member in members)
        {
            member.Transport.SetPeers([.. members.Select(other => other.Endpoint)]);
        }
        foreach (var member in members)
        {
            foreach (var other in members.Where(other => other != member))
            {
                member.Events.WaitFor(new UpEvent(other.Id, other.Boot));
            }
        }
    }
}
