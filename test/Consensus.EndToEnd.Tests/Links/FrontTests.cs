using System.Net;
using System.Net.Sockets;
using Consensus.Chaos.Machines;

namespace Consensus.EndToEnd.Tests.Links;

/// <summary>The proxy between the clients of process chaos and its members.</summary>
public sealed class FrontTests
{
    private TcpListener _member = null!;
    private Front _front = null!;

    [SetUp]
    public void Start()
    {
        _member = new TcpListener(IPAddress.Loopback, 0);
        _member.Start();
        _front = new Front((IPEndPoint)_member.LocalEndpoint);
    }

    [TearDown]
    public void End()
    {
        _front.Dispose();
        _member.Dispose();
    }

    [Test]
    public async Task Bytes_go_through_in_both_directions_until_the_connection_is_reset()
    {
        using var client = await ConnectAsync();
        using var member = await _member.AcceptSocketAsync().InTimeAsync();
        await client.SendAsync("ask"u8.ToArray());
        Assert.That(await ReadAsync(member, 3), Is.EqualTo("ask"u8.ToArray()));
        await member.SendAsync("answer"u8.ToArray());
        Assert.That(await ReadAsync(client, 6), Is.EqualTo("answer"u8.ToArray()));
        _front.Reset();
        Assert.That(await IsOverAsync(client), Is.True);
        Assert.That(await IsOverAsync(member), Is.True);
        Assert.That(_front.Resets, Is.EqualTo(1));
    }

    [Test]
    public async Task An_answer_is_torn_after_so_many_bytes()
    {
        using var client = await ConnectAsync();
        using var member = await _member.AcceptSocketAsync().InTimeAsync();
        await client.SendAsync("ask"u8.ToArray());
        await ReadAsync(member, 3);
        _front.TearAfter(4);
        await member.SendAsync("answer"u8.ToArray());
        var read = new byte[6];
        var length = 0;
        try
        {
            while (await client.ReceiveAsync(read.AsMemory(length)).AsTask().InTimeAsync() is > 0 and var more)
            {
                length += more;
            }
        }
        catch (SocketException)
        {
            // The reset may overtake what was before it.
        }
        Assert.That(length, Is.LessThanOrEqualTo(4));
        Assert.That(read[..length], Is.EqualTo("answer"u8[..length].ToArray()));
    }

    [Test]
    public async Task What_was_sent_by_a_client_that_left_during_a_stall_never_arrives()
    {
        var client = await ConnectAsync();
        using var member = await _member.AcceptSocketAsync().InTimeAsync();
        await client.SendAsync("first"u8.ToArray());
        await ReadAsync(member, 5);
        _front.Stall(int.MaxValue);
        await client.SendAsync("second"u8.ToArray());
        client.Dispose();
        Assert.That(await IsOverAsync(member), Is.True);
    }

    [Test]
    public async Task One_connection_is_cut_and_the_others_go_on()
    {
        using var first = await ConnectAsync();
        using var firstMember = await _member.AcceptSocketAsync().InTimeAsync();
        await first.SendAsync("a"u8.ToArray());
        await ReadAsync(firstMember, 1);
        Assert.That(_front.Cut(17), Is.True);
        Assert.That(await IsOverAsync(first), Is.True);
        Assert.That(await IsOverAsync(firstMember), Is.True);
        using var second = await ConnectAsync();
        using var secondMember = await _member.AcceptSocketAsync().InTimeAsync();
        await second.SendAsync("b"u8.ToArray());
        Assert.That(await ReadAsync(secondMember, 1), Is.EqualTo("b"u8.ToArray()));
    }

    [Test]
    public async Task A_connection_that_went_silent_carries_nothing_and_its_member_does_not_hear_that_the_client_left()
    {
        var client = await ConnectAsync();
        using var member = await _member.AcceptSocketAsync().InTimeAsync();
        await client.SendAsync("first"u8.ToArray());
        await ReadAsync(member, 5);
        Assert.That(_front.Silence(0, int.MaxValue), Is.True);
        Assert.That(_front.Silence(0, int.MaxValue), Is.False, "there is no other one");
        var heard = member.ReceiveAsync(new byte[1]);
        await client.SendAsync("second"u8.ToArray());
        client.Dispose();
        await member.SendAsync("answer"u8.ToArray());
        using var other = await ConnectAsync();
        using var otherMember = await _member.AcceptSocketAsync().InTimeAsync();
        await other.SendAsync("third"u8.ToArray());
        await ReadAsync(otherMember, 5);
        other.Dispose();
        Assert.That(await IsOverAsync(otherMember), Is.True);
        Assert.That(heard.IsCompleted, Is.False);
        _front.Reset();
        Assert.That(await EndsAsync(heard), Is.True);
    }

    [Test]
    public async Task A_connection_that_went_silent_ends_on_both_sides_in_its_time()
    {
        using var client = await ConnectAsync();
        using var member = await _member.AcceptSocketAsync().InTimeAsync();
        await client.SendAsync("first"u8.ToArray());
        await ReadAsync(member, 5);
        _front.Silence(0, 1);
        Assert.That(await IsOverAsync(client), Is.True);
        Assert.That(await IsOverAsync(member), Is.True);
    }

    [Test]
    public async Task Where_no_member_listens_the_connection_ends()
    {
        _member.Stop();
        Assert.That(await IsRefusedAsync(), Is.True);
    }

    /// <summary>The end may come while the client is still about to learn that it is connected.</summary>
    private async Task<bool> IsRefusedAsync()
    {
        try
        {
            using var client = await ConnectAsync();
            return await IsOverAsync(client);
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private async Task<Socket> ConnectAsync()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.Loopback, new Uri(_front.Url).Port);
        return client;
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int length)
    {
        var read = new byte[length];
        for (var at = 0; at < length;)
        {
            var more = await socket.ReceiveAsync(read.AsMemory(at)).AsTask().InTimeAsync();
            Assert.That(more, Is.GreaterThan(0));
            at += more;
        }
        return read;
    }

    /// <summary>It ends, and brings nothing before.</summary>
    private static Task<bool> IsOverAsync(Socket socket) => EndsAsync(socket.ReceiveAsync(new byte[1]));

    private static async Task<bool> EndsAsync(Task<int> received)
    {
        try
        {
            return await received.InTimeAsync() == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
