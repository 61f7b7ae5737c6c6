using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Consensus.Benchmarks.Clusters;

/// <summary>Asks a member of ZooKeeper about itself with one of its four-letter words; it answers and closes the connection.</summary>
internal static class FourLetterWord
{
    private const int LimitMs = 2_000;

    /// <param name="host">As <c>address:port</c>.</param>
    /// <returns>The text; null when there was none.</returns>
    public static string? TryAsk(string host, string word)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveTimeout = LimitMs,
            SendTimeout = LimitMs,
        };
        try
        {
            socket.Connect(IPEndPoint.Parse(host));
            socket.Send(Encoding.ASCII.GetBytes(word));
            using var told = new MemoryStream();
            var buffer = new byte[4096];
            for (int count; (count = socket.Receive(buffer)) > 0;)
            {
                told.Write(buffer, 0, count);
            }

            return told.Length > 0 ? Encoding.ASCII.GetString(told.ToArray()) : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
