using System.Net;
using System.Net.Sockets;

namespace Consensus.Chaos.Machines;

/// <summary>
/// Stands between clients and one place, as a proxy that resets connections, lets them stall, tears an answer in the middle, and forgets
/// connections without a word. What a client sent that has left is thrown away: nothing arrives after its sender gave it up.
/// </summary>
internal sealed class Front : IDisposable
{
    private readonly IPEndPoint _member;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly Lock _gate = new();
    private readonly HashSet<Passage> _passages = [];
    private long _stalledUntilMs;
    private long _resets;

    public Front(IPEndPoint member)
    {
        _member = member;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"http://{_listener.LocalEndpoint}";

    /// <summary>Connections that were ended.</summary>
    public long Resets => Interlocked.Read(ref _resets);

    /// <summary>All that there are now.</summary>
    public void Reset()
    {
        foreach (var passage in Passages())
        {
            passage.End();
            Interlocked.Increment(ref _resets);
        }
    }

    /// <summary>One of those that there are now, by a reset.</summary>
    /// <param name="which">Any number.</param>
    /// <returns>False when there is none.</returns>
    public bool Cut(int which)
    {
        if (Passages() is not { Count: > 0 } passages)
        {
            return false;
        }
        passages[which % passages.Count].End();
        Interlocked.Increment(ref _resets);
        return true;
    }

    /// <summary>
    /// From now on nothing goes through one of those that there are now, and neither side hears of what becomes of the other, as where a
    /// middlebox forgot it: so long, until both hear of its end.
    /// </summary>
    /// <param name="which">Any number.</param>
    /// <returns>False when there is none.</returns>
    public bool Silence(int which, int milliseconds)
    {
        if (Passages().FindAll(passage => !passage.IsSilent) is not { Count: > 0 } passages)
        {
            return false;
        }
        _ = SilenceAsync(passages[which % passages.Count], milliseconds);
        return true;
    }

    /// <summary>Each that there is now ends once so many more bytes of answers went through it.</summary>
    public void TearAfter(int bytes)
    {
        foreach (var passage in Passages())
        {
            passage.Left = bytes;
        }
    }

    /// <summary>Nothing goes through for so long, in either direction.</summary>
    public void Stall(int milliseconds) => Volatile.Write(ref _stalledUntilMs, Environment.TickCount64 + milliseconds);

    public void Dispose()
    {
        _over.Cancel();
        _listener.Dispose();
        foreach (var passage in Passages())
        {
            passage.End();
        }
        _over.Dispose();
    }

    private async Task SilenceAsync(Passage passage, int milliseconds)
    {
        passage.IsSilent = true;
        try
        {
            await Task.Delay(milliseconds, _over.Token);
        }
        catch (OperationCanceledException)
        {
            // The run is over, and with it every connection.
        }
        passage.End();
    }

    private List<Passage> Passages()
    {
        lock (_gate)
        {
            return [.. _passages];
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_over.Token);
                _ = CarryAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The run is over.
        }
    }

    private async Task CarryAsync(Socket client)
    {
        using var member = new Socket(_member.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        using var passage = new Passage(client, member);
        lock (_gate)
        {
            _passages.Add(passage);
        }
        try
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await member.ConnectAsync(_member, soon.Token);
            await Task.WhenAny(PumpAsync(client, member, passage, isAnswer: false), PumpAsync(member, client, passage, isAnswer: true));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Nobody is there: the client's connection ends, as it does below.
        }
        finally
        {
            lock (_gate)
            {
                _passages.Remove(passage);
            }
            passage.End();
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Passage passage, bool isAnswer)
    {
        await CarryOnAsync(from, to, passage, isAnswer);
        if (passage.IsSilent)
        {
            // The other side is not to hear of it yet.
            await passage.Ended;
        }
    }

    /// <summary>Until either side is at its end, or nothing goes through any more.</summary>
    private async Task CarryOnAsync(Socket from, Socket to, Passage passage, bool isAnswer)
    {
        var buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var length && !passage.IsSilent)
            {
                while (Volatile.Read(ref _stalledUntilMs) > Environment.TickCount64)
                {
                    if (passage.IsOver || passage.IsSilent || HasLeft(isAnswer ? to : from))
                    {
                        return;
                    }
                    await Task.Delay(20);
                }
                var most = isAnswer ? Math.Min(length, passage.Left) : length;
                for (var sent = 0; sent < most;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, most - sent));
                }
                if (isAnswer && passage.Left != int.MaxValue && (passage.Left -= most) == 0)
                {
                    Interlocked.Increment(ref _resets);
                    return;
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One side is gone.
        }
    }

    /// <summary>The client closed its end, and nothing more of it is to be read.</summary>
    private static bool HasLeft(Socket client)
    {
        try
        {
            return client.Poll(0, SelectMode.SelectRead) && client.Available == 0;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return true;
        }
    }

    /// <summary>One connection of a client, and the one to the member that belongs to it.</summary>
    private sealed class Passage(Socket client, Socket member) : IDisposable
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = int.MaxValue;
        private int _isOver;
        private volatile bool _isSilent;

        /// <summary>Bytes of answers that go through yet.</summary>
        public int Left
        {
            get => Volatile.Read(ref _left);
            set => Volatile.Write(ref _left, value);
        }

        public bool IsOver => Volatile.Read(ref _isOver) != 0;

        /// <summary>Nothing goes through any more.</summary>
        public bool IsSilent
        {
            get => _isSilent;
            set => _isSilent = value;
        }

        /// <summary>Both ends are over.</summary>
        public Task Ended => _ended.Task;

        /// <summary>Both ends, each by a reset.</summary>
        public void End()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                client.Close(0);
                member.Close(0);
                _ended.TrySetResult();
            }
        }

        public void Dispose() => End();
    }
}
