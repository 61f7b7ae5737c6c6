using System.Collections.Concurrent;
using System.Diagnostics;
using Consensus.Primitives;

namespace Consensus.Chaos.Machines;

/// <summary>How packets fare in one direction between two places; at once and unharmed unless something is set.</summary>
internal sealed record RoughLink
{
    public static readonly RoughLink Smooth = new();

    public int DelayMs { get; init; }

    /// <summary>Drawn for each packet, on top of the delay; packets overtake each other.</summary>
    public int JitterMs { get; init; }

    public int LostPerMille { get; init; }

    public int TwicePerMille { get; init; }

    /// <summary>Of the segments of TCP connections; each of these connections ends.</summary>
    public int ResetPerMille { get; init; }

    /// <summary>0: as many as come. What would wait for more than a second is lost.</summary>
    public int BytesPerSecond { get; init; }
}

/// <summary>
/// A network in this process: packets that are routed here are delayed, lost, doubled, turned into resets, or wait for a narrow link, and are then delivered. One
/// thread of its own does it all.
/// </summary>
internal sealed class RoughLinks : IDisposable
{
    private const short Readable = 1;
    private const int LongestWaitMs = 20;
    private const int MaxWaiting = 20_000;

    private readonly IReadOnlyList<TunDevice> _devices;
    private readonly ConcurrentDictionary<(int From, int To), RoughLink> _links = new();
    private readonly Dictionary<(int From, int To), long> _freeAt = [];
    private readonly PriorityQueue<(int To, byte[] Packet), long> _waiting = new();
    private readonly DeterministicRandom _random;
    private readonly Thread _thread;
    private readonly long[] _carriedFrom;
    private volatile bool _isOver;
    private long _lost;
    private long _resets;

    /// <param name="devices">One for each place, in their order.</param>
    public RoughLinks(IReadOnlyList<TunDevice> devices, ulong seed)
    {
        (_devices, _random, _carriedFrom) = (devices, new DeterministicRandom(seed), new long[devices.Count]);
        _thread = new Thread(Run) { IsBackground = true, Name = "rough links" };
        _thread.Start();
    }

    public long Carried => Enumerable.Range(0, _carriedFrom.Length).Sum(CarriedFrom);

    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Segments that were turned into the end of their connection.</summary>
    public long Resets => Interlocked.Read(ref _resets);

    public long CarriedFrom(int from) => Interlocked.Read(ref _carriedFrom[from]);

    public void Set(int from, int to, RoughLink link) => _links[(from, to)] = link;

    /// <summary>What is still under way arrives in its time; what comes afterwards arrives at once.</summary>
    public void Clear() => _links.Clear();

    public void Dispose()
    {
        _isOver = true;
        _thread.Join();
        foreach (var device in _devices)
        {
            device.Dispose();
        }
    }

    private static long NowMicros => (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds;

    private void Run()
    {
        var items = _devices.Select(device => new TunDevice.PollItem { Descriptor = device.Descriptor, Events = Readable }).ToArray();
        var buffer = new byte[65536];
        while (!_isOver)
        {
            TunDevice.Wait(items, WaitMs());
            for (var from = 0; from < items.Length; from++)
            {
                int length;
                while ((length = _devices[from].Read(buffer)) > 0)
                {
                    Take(from, buffer.AsSpan(0, length));
                }
            }
            while (_waiting.TryPeek(out var next, out var due) && due <= NowMicros)
            {
                _waiting.Dequeue();
                _devices[next.To].Write(next.Packet);
            }
        }
    }

    private int WaitMs() => _waiting.TryPeek(out _, out var due) ? (int)Math.Clamp((due - NowMicros + 999) / 1000, 0, LongestWaitMs) : LongestWaitMs;

    private void Take(int from, ReadOnlySpan<byte> packet)
    {
        // RFC 791: the version, and in bytes 16 to 19 the destination, whose last byte is the number of the place.
        if (packet.Length < 20 || packet[0] >> 4 != 4 || packet[19] - 1 is var to && (to < 0 || to >= _devices.Count))
        {
            return;
        }
        var link = _links.GetValueOrDefault((from, to)) ?? RoughLink.Smooth;
        var now = NowMicros;
        var startsAt = now;
        if (link.BytesPerSecond > 0)
        {
            startsAt = Math.Max(now, _freeAt.GetValueOrDefault((from, to)));
        }
        if (_random.Chance(link.LostPerMille, 1000) || startsAt - now > 1_000_000 || _waiting.Count >= MaxWaiting)
        {
            Interlocked.Increment(ref _lost);
            return;
        }
        if (link.BytesPerSecond > 0)
        {
            startsAt += packet.Length * 1_000_000L / link.BytesPerSecond;
            _freeAt[(from, to)] = startsAt;
        }
        var delivered = packet.ToArray();
        if (_random.Chance(link.ResetPerMille, 1000) && TcpReset.InPlaceOf(packet) is { } reset)
        {
            delivered = reset;
            Interlocked.Increment(ref _resets);
        }
        var copies = _random.Chance(link.TwicePerMille, 1000) ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            _waiting.Enqueue((to, delivered), startsAt + (link.DelayMs * 1000L) + _random.Next(1 + (link.JitterMs * 1000L)));
        }
        Interlocked.Increment(ref _carriedFrom[from]);
    }
}
