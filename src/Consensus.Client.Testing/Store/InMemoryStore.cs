using System.Security.Cryptography;
using System.Text;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Client.Testing.Store;

/// <summary>
/// The replicated state without replication: commands are applied under one lock, in a cluster time that is the clock's, and what is due ends by a timer as a leader would
/// have it end.
/// </summary>
internal sealed class InMemoryStore : IDisposable
{
    private static readonly MemberId Self = new(1);
    private static readonly ClusterTime Start = new(1_000_000);

    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _startedAt;
    private readonly ReplicatedState _state = new(Limits.Default);
    private readonly ApplyOutput _output = new();
    private readonly Dictionary<RequestId, TaskCompletionSource<Outcome>> _waiting = [];
    private readonly ITimer _expiry;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private StateView _view;
    private LogIndex _index;
    private long _sequence;
    private bool _disposed;

    public InMemoryStore(TimeProvider time)
    {
        _time = time;
        _startedAt = time.GetTimestamp();
        _view = _state.TakeView();
        _expiry = time.CreateTimer(static store => ((InMemoryStore)store!).ExpireDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Of this store; its tokens compare with no other's.</summary>
    public string ClusterId { get; } = Random.Shared.NextInt64(1, long.MaxValue).ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    public ClusterTime Now => Start.PlusMicros(_time.GetElapsedTime(_startedAt).Ticks / TimeSpan.TicksPerMicrosecond);

    public StateView View
    {
        get
        {
            lock (_gate)
            {
                return _view;
            }
        }
    }

    /// <summary>The present view, and a task that ends when there is another one.</summary>
    public (StateView View, Task Changed) Observe()
    {
        lock (_gate)
        {
            return (_view, _changed.Task);
        }
    }

    /// <summary>Applies a command that is settled at once.</summary>
    public Outcome Apply(Command command)
    {
        var execution = ExecuteAsync(command, CancellationToken.None);
        Invariant.Require(execution.IsCompletedSuccessfully, "only a wait takes time");
        return execution.Result;
    }

    /// <summary>Applies a command; one that stands in line is settled later. Cancellation takes it out of the line: its outcome says so.</summary>
    /// <param name="mark">Under which it may be repeated, and withdrawn or settled.</param>
    public async Task<Outcome> ExecuteAsync(Command command, CancellationToken cancellation, WriteMark mark = default)
    {
        RequestId request;
        var settled = new TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            request = NextRequest();
            _waiting[request] = settled;
            Log(request, command, mark);
        }
        if (settled.Task.IsCompleted)
        {
            return settled.Task.Result;
        }
        using var registration = cancellation.UnsafeRegister(_ => CancelWait(command, request), null);
        return await settled.Task.ConfigureAwait(false);
    }

    public static LeaseId NewLeaseId() => new(Random.Shared.NextInt64(1, long.MaxValue));

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (var waiting in _waiting.Values)
            {
                waiting.TrySetException(new ObjectDisposedException(nameof(InMemoryCluster)));
            }
            _waiting.Clear();
        }
        _expiry.Dispose();
    }

    /// <summary>
    /// The connection of whoever waits is gone. A place under a session stands in line as before, and only its attempt is over.
    /// </summary>
    private void CancelWait(Command command, RequestId request)
    {
        lock (_gate)
        {
            var first = command switch
            {
                AcquireCommand acquire => acquire.Object,
                AcquireManyCommand many => ObjectName.Lock(many.Names[0]),
                _ => default(ObjectName?),
            };
            if (!_disposed && first is { } name && _waiting.ContainsKey(request))
            {
                // Of several locks any names the whole request.
                Log(NextRequest(), CancelWaitCommand.Of(name, request, CancelReason.Disconnected));
            }
        }
    }

    private void ExpireDue()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }
            while (_state.NextDeadline <= Now)
            {
                LogOne(NextRequest(), new ExpireCommand());
            }
            Publish();
        }
    }

    private RequestId NextRequest() => new(Self, 1, ++_sequence);

    private void Log(RequestId request, Command command, WriteMark mark = default)
    {
        LogOne(request, command, mark);
        Publish();
    }

    private void LogOne(RequestId request, Command command, WriteMark mark = default)
    {
        var writer = new WireWriter();
        CommandCodec.Write(writer, Envelope(command, mark));
        _index = _index.Next;
        _output.Clear();
        var now = Now;
        _state.Apply(new LoggedEntry(_index, now > _state.AppliedStamp ? now : _state.AppliedStamp, true, request, "", writer.ToArray()), _output);
        foreach (var (of, outcome) in _output.Resolutions)
        {
            if (outcome is not HoldQueued && _waiting.Remove(of, out var settled))
            {
                settled.TrySetResult(outcome);
            }
        }
    }

    private static CommandEnvelope Envelope(Command command, WriteMark mark) => mark switch
    {
        { Number: { } number } when LeaseId.TryParse(number.Session, out var session) =>
            new CommandEnvelope(command, default, Fingerprint(command)) { Session = new SessionRequest(session, number.Seq, number.Acked) },
        { Key: { } key } => new CommandEnvelope(command, Encoding.ASCII.GetBytes(key), Fingerprint(command)),
        _ => new CommandEnvelope(command),
    };

    /// <summary>What makes two requests the same: all of the command but the lease that was drawn for it.</summary>
    private static byte[] Fingerprint(Command command)
    {
        var writer = new WireWriter();
        CommandCodec.Write(writer, new CommandEnvelope(command switch
        {
            AcquireCommand c => c with { OwnLease = LeaseId.None },
            AcquireManyCommand c => c with { OwnLease = LeaseId.None },
            GrantLeaseCommand c => c with { Id = LeaseId.None },
            _ => command,
        }));
        return SHA256.HashData(writer.Written)[..16];
    }

    private void Publish()
    {
        var before = _view.AppliedIndex;
        _view = _state.TakeView();
        if (_state.NextDeadline is var next && next != ClusterTime.Never)
        {
            // Timers count whole milliseconds, and few of them; one that comes too early finds nothing due and is set again.
            var left = TimeSpan.FromMilliseconds((Math.Max(0, next.Micros - Now.Micros) / 1_000) + 1);
            _expiry.Change(left < LongestTimer ? left : LongestTimer, Timeout.InfiniteTimeSpan);
        }
        if (_view.AppliedIndex != before)
        {
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
