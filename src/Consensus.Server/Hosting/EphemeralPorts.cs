using System.Net;
using System.Net.Sockets;
using Consensus.Server.Options;

namespace Consensus.Server.Hosting;

/// <summary>Turns port 0 into a free port before the start, because what a member advertises must be known before it forms a cluster.</summary>
internal static class EphemeralPorts
{
    public static ServerOptions Resolve(ServerOptions options)
    {
        if (options.ListenClient.Port == 0)
        {
            var client = Free(options.ListenClient.Address);
            var isDefault = options.AdvertiseClient == $"{options.ClientScheme}://{options.ListenClient}";
            options = options with
            {
                ListenClient = client,
                AdvertiseClient = isDefault ? $"{options.ClientScheme}://{client}" : options.AdvertiseClient,
            };
        }
        if (options.ListenPeer.Port == 0)
        {
            var peer = Free(options.ListenPeer.Address);
            var isDefault = options.AdvertisePeer == options.ListenPeer.ToString();
            options = options with
            {
                ListenPeer = peer,
                AdvertisePeer = isDefault ? peer.ToString() : options.AdvertisePeer,
                InitialCluster = isDefault && !options.IsInitialClusterGiven ? [new InitialClusterMember(options.Name, peer.ToString())] : options.InitialCluster,
            };
        }
        return options;
    }

    private static IPEndPoint Free(IPAddress address)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
