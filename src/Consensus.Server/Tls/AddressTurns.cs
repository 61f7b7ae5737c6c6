using System.Net;
using System.Net.Sockets;

namespace Consensus.Server.Tls;

/// <summary>
/// How many handshakes one address has under way at a time; the next ones wait for their turn, so that a service which opens a pool of
/// connections gets all of them, and a stranger who opens as many keeps nobody else waiting. Thread-safe.
/// </summary>
internal sealed class AddressTurns(int most)
{
    /// <summary>Of an IPv6 address: one machine has all addresses of such a network.</summary>
    private const int NetworkBytes = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, Line> _lines = [];

    /// <summary>Under way, of all addresses.</summary>
    public int UnderWay
    {
        get
        {
            lock (_gate)
            {
                return _lines.Values.Sum(line => line.UnderWay);
            }
        }
    }

    /// <summary>Comes back when it is this one's turn; <see cref="Leave"/> ends that.</summary>
    /// <exception cref="OperationCanceledException">The time was over before; there is nothing to leave.</exception>
    public async Task EnterAsync(IPAddress address, CancellationToken limit)
    {
        TaskCompletionSource turn;
        lock (_gate)
        {
            var of = NetworkOf(address);
            if (!_lines.TryGetValue(of, out var line))
            {
                _lines.Add(of, line = new Line());
            }
            if (line.UnderWay < most)
            {
                line.UnderWay++;
                return;
            }
            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            line.Waiting.Enqueue(turn);
        }
        await using var registration = limit.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetCanceled(), turn);
        await turn.Task;
    }

    public void Leave(IPAddress address)
    {
        lock (_gate)
        {
            var of = NetworkOf(address);
            var line = _lines[of];
            while (line.Waiting.TryDequeue(out var next))
            {
                if (next.TrySetResult())
                {
                    return;
                }
            }
            line.UnderWay--;
            if (line.UnderWay == 0)
            {
                _lines.Remove(of);
            }
        }
    }

    /// <summary>By what an address is counted: over IPv6 everybody has a network of them.</summary>
    public static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkBytes).Clear();
        return new IPAddress(bytes);
    }

    private sealed class Line
    {
        public int UnderWay { get; set; }

        /// <summary>In their order; some have given up.</summary>
        public Queue<TaskCompletionSource> Waiting { get; } = [];
    }
}
