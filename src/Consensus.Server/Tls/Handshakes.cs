using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography;
using Consensus.Security.Generations;
using Microsoft.AspNetCore.Connections;

namespace Consensus.Server.Tls;

/// <summary>
/// What a client may take of the server before it is known: all of it stands in front of TLS, and has one deadline. Thread-safe.
/// </summary>
/// <param name="clock">Counts the deadlines.</param>
internal sealed class Handshakes(ITlsSource source, RevokedCertificates revoked, TimeProvider clock)
{
    /// <summary>From the connection's beginning to its handshake's end, with every wait for a turn.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>From the connection's beginning until somebody who is known has asked for something.</summary>
    public static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(10);

    /// <summary>Under way at a time for one address; the others of it wait.</summary>
    public const int MostOfOneAddress = 16;

    private const int ForEachCore = 2;

    /// <summary>Of the whole process, whose cores they are.</summary>
    private static readonly SemaphoreSlim Computing = new(ForEachCore * Environment.ProcessorCount);

    private readonly SeenIntermediates _intermediates = new();
    private readonly AddressTurns _turns = new(MostOfOneAddress);
    private long _pending;
    private long _done;
    private long _failed;
    private long _plain;

    /// <summary>Connections whose handshake is not over.</summary>
    public long Pending => Interlocked.Read(ref _pending);

    /// <summary>Of these, those that have their turn.</summary>
    public int UnderWay => _turns.UnderWay;

    /// <summary>That succeeded.</summary>
    public long Done => Interlocked.Read(ref _done);

    /// <summary>That failed, or came to no end in time.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Connections that began with something else than TLS.</summary>
    public long Plain => Interlocked.Read(ref _plain);

    /// <summary>Of each connection.</summary>
    public KeyLimits KeyLimits { get; set; } = new();

    private TimeProvider Clock => clock;

    public async Task InvokeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        using var caller = new CallerConnection(source, _intermediates, revoked, clock, connection)
        {
            KeyUse = new KeyUse(KeyLimits, connection),
        };
        caller.EndUnlessAsked(SilenceLimit);
        connection.Features.Set(caller);
        using var handshake = new Handshake(this, connection, caller.KeyUse);
        connection.Features.Set(handshake);
        var transport = connection.Transport;
        try
        {
            if (!await handshake.BeginAsync())
            {
                return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // Its time was over, or the client was gone before: a stranger writes no line into the log.
            return;
        }
        try
        {
            await next(connection);
        }
        catch (CryptographicException) when (connection.Features.Get<Handshake>() is not null)
        {
            // What is damaged in the client's certificate: a chain is built before our judgement is asked for. It shook no hand.
        }
        finally
        {
            connection.Transport = transport;
        }
    }

    /// <summary>The handshake of a connection succeeded.</summary>
    public static void Succeeded(ConnectionContext connection) => connection.Features.Get<Handshake>()?.Succeeded();

    /// <summary>One of them, from the connection's beginning on. A feature of the connection until it is over.</summary>
    private sealed class Handshake : IDisposable
    {
        private readonly Handshakes _all;
        private readonly ConnectionContext _connection;
        private readonly CancellationTokenSource _limit;
        private readonly CancellationTokenRegistration _cutOff;
        private readonly HandshakeReader _reader;
        private readonly KeyUse _use;
        private readonly IPAddress _address;
        private bool _hasTurn;
        private bool _isNone;
        private bool _isOver;

        public Handshake(Handshakes all, ConnectionContext connection, KeyUse use)
        {
            (_all, _connection, _use) = (all, connection, use);
            _address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
            _limit = new CancellationTokenSource(Limit, all.Clock);
            _cutOff = _limit.Token.UnsafeRegister(
                static state => ((ConnectionContext)state!).Abort(new ConnectionAbortedException("the handshake came to no end in time")),
                connection);
            _reader = new HandshakeReader(connection.Transport.Input, Computing);
            Interlocked.Increment(ref all._pending);
        }

        /// <summary>False when the client speaks no TLS: then it was told so.</summary>
        public async Task<bool> BeginAsync()
        {
            if (await BeginsWithTlsAsync(_connection.Transport.Input, _limit.Token) is not { } isTls)
            {
                // Who looks whether somebody listens says nothing and goes, before his time is over.
                _isNone = !_limit.IsCancellationRequested;
                return false;
            }
            if (!isTls)
            {
                _isNone = true;
                Interlocked.Increment(ref _all._plain);
                await _connection.Transport.Output.WriteAsync(PlainTextAnswer.Bytes, _limit.Token);
                return false;
            }
            await _all._turns.EnterAsync(_address, _limit.Token);
            _hasTurn = true;
            _connection.Transport = _use.Of(_reader, _connection.Transport.Output);
            return true;
        }

        public void Succeeded()
        {
            Interlocked.Increment(ref _all._done);
            End();
        }

        public void Dispose()
        {
            if (!_isOver)
            {
                Interlocked.Add(ref _all._failed, _isNone ? 0 : 1);
                End();
            }
        }

        private void End()
        {
            _isOver = true;
            _cutOff.Dispose();
            _limit.Dispose();
            _reader.End();
            if (_hasTurn)
            {
                _all._turns.Leave(_address);
            }
            Interlocked.Decrement(ref _all._pending);
            _connection.Features.Set<Handshake>(null);
        }
    }

    /// <summary>Null when the client went away before it said anything. Nothing is consumed.</summary>
    private static async ValueTask<bool?> BeginsWithTlsAsync(PipeReader input, CancellationToken limit)
    {
        // A record that begins a handshake (RFC 8446 §5.1).
        const byte Handshake = 22;
        while (true)
        {
            var result = await input.ReadAsync(limit);
            var hasBegun = !result.Buffer.IsEmpty;
            var isTls = hasBegun && result.Buffer.FirstSpan[0] == Handshake;
            input.AdvanceTo(result.Buffer.Start, hasBegun ? result.Buffer.Start : result.Buffer.End);
            if (hasBegun || result.IsCompleted)
            {
                return hasBegun ? isTls : null;
            }
        }
    }
}
