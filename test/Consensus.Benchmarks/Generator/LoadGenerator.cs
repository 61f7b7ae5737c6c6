using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Text;

namespace Consensus.Benchmarks.Generator;

/// <summary>
/// Closed-loop clients on one thread: each has one connection and one request in flight, and sends the next as soon as the answer is
/// there. Warm-up, then the measured window, then a drain in which every client gives back what it holds.
/// </summary>
internal sealed class LoadGenerator : IDisposable
{
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(20);

    // A client that was refused does not ask again at once: hundreds of them would keep a cluster without a leader from electing one.
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(10);

    private readonly EventPoll _poll = new();
    private readonly Client[] _clients;
    private readonly LatencyHistogram _latency = new();
    private readonly Queue<Client> _paused = new();
    private int _running;
    private long _operations;
    private long _allOperations;
    private long _errors;
    private string? _firstError;
    private Phase _phase = Phase.WarmUp;

    /// <summary>Client i talks to endpoint i modulo their number, so that they are spread evenly.</summary>
    /// <param name="tls">Null: they speak in the clear.</param>
    public LoadGenerator(IReadOnlyList<IPEndPoint> endpoints, IReadOnlyList<IClientScript> scripts,
        SslClientAuthenticationOptions? tls = null)
    {
        _clients = new Client[scripts.Count];
        try
        {
            for (var i = 0; i < _clients.Length; i++)
            {
                _clients[i] = new Client(Connect(endpoints[i % endpoints.Count], scripts[i], tls), scripts[i]);
                _clients[i].Connection.Register(_poll, i);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private enum Phase
    {
        WarmUp,
        Window,
        Drain,
    }

    /// <summary>
    /// Runs to the end. <paramref name="atWindowStart"/> and <paramref name="atWindowEnd"/> are called on this thread at the edges of the
    /// window, to sample the servers exactly there. Ends early when every script has nothing more to say.
    /// </summary>
    public LoadResult Run(TimeSpan warmUp, TimeSpan window, Action? atWindowStart = null, Action? atWindowEnd = null)
    {
        var begin = Stopwatch.GetTimestamp();
        var windowStart = begin + Ticks(warmUp);
        var windowEnd = windowStart + Ticks(window);
        var measured = new Window();
        foreach (var client in _clients)
        {
            _running++;
            SendNext(client, begin, newOperation: true);
        }

        while (_running > 0)
        {
            var now = Stopwatch.GetTimestamp();
            if (_phase == Phase.WarmUp && now >= windowStart)
            {
                measured.Open(atWindowStart);
                windowEnd = Stopwatch.GetTimestamp() + Ticks(window);
                _phase = Phase.Window;
            }
            else if (_phase == Phase.Window && now >= windowEnd)
            {
                measured.Close(atWindowEnd);
                _phase = Phase.Drain;
            }
            else if (_phase == Phase.Drain && now >= windowEnd + Ticks(DrainLimit))
            {
                RecordError($"{_running} clients got no answer within {DrainLimit.TotalSeconds:0} s of the end", _running);
                break;
            }

            PollOnce(_phase switch
            {
                Phase.WarmUp => windowStart,
                Phase.Window => windowEnd,
                _ => windowEnd + Ticks(DrainLimit),
            });
        }

        if (_phase == Phase.Window)
        {
            measured.Close(atWindowEnd);
        }

        return new LoadResult(measured.Length, _operations, _allOperations, _errors, _firstError, _latency, measured.GeneratorCpu);
    }

    public void Dispose()
    {
        foreach (var client in _clients)
        {
            client?.Connection.Dispose();
        }

        _poll.Dispose();
    }

    private void PollOnce(long boundary)
    {
        var now = Stopwatch.GetTimestamp();
        while (_paused.TryPeek(out var rested) && rested.ResumeAt <= now)
        {
            _paused.Dequeue();
            if (!rested.IsFinished)
            {
                SendNext(rested, now, newOperation: true);
            }
        }

        if (_running == 0)
        {
            return;
        }

        var until = _paused.TryPeek(out var next) ? Math.Min(boundary, next.ResumeAt) : boundary;

        // epoll counts in milliseconds: rounding up keeps the loop from spinning through the last of them.
        var remaining = Stopwatch.GetElapsedTime(now, until).TotalMilliseconds;
        var ready = _poll.Wait((int)Math.Clamp(Math.Ceiling(remaining), 0, 1000));
        for (var i = 0; i < ready; i++)
        {
            OnReadable(_clients[_poll.Id(i)]);
        }
    }

    private static Connection Connect(IPEndPoint endpoint, IClientScript script, SslClientAuthenticationOptions? tls) =>
        new(endpoint, script.RequestCapacity, script.CreateAnswer(), tls);

    private void OnReadable(Client client)
    {
        var received = client.Connection.Receive();
        while (received == ReceiveResult.Answer && AwaitsAnother(client))
        {
            received = client.Connection.ReadOn();
        }

        if (received == ReceiveResult.Broken)
        {
            Finish(client, DescribeBroken(client));
        }
    }

    /// <summary>Handles an answer; true when another one is awaited, and nothing was sent.</summary>
    private bool AwaitsAnother(Client client)
    {
        var now = Stopwatch.GetTimestamp();
        var answer = client.Connection.Answer;
        var outcome = client.Script.OnAnswer(answer.Status, answer.Body);
        _allOperations += outcome == StepOutcome.Completed ? 1 : 0;
        if (outcome == StepOutcome.Completed && _phase == Phase.Window)
        {
            _operations++;
            _latency.Add(Stopwatch.GetElapsedTime(client.OperationStart, now));
        }
        else if (outcome == StepOutcome.PromiseBroken)
        {
            // Worse than anything else that went wrong, so that it is what the report shows.
            _firstError = "PROMISE BROKEN: a lock was granted twice at once, or a fencing token fell back";
            RecordError(_firstError);
        }
        else if (outcome == StepOutcome.Failed)
        {
            RecordError(DescribeAnswer(answer));
            client.ResumeAt = now + Ticks(PauseAfterFailure);
            _paused.Enqueue(client);
            return false;
        }

        if (outcome == StepOutcome.Await)
        {
            return true;
        }

        SendNext(client, now, newOperation: outcome is StepOutcome.Prepared or StepOutcome.Completed);
        return false;
    }

    private void SendNext(Client client, long now, bool newOperation)
    {
        var length = client.Script.NextRequest(client.Connection.Request, _phase == Phase.Drain);
        if (length == 0)
        {
            Finish(client, error: null);
            return;
        }

        if (newOperation)
        {
            client.OperationStart = now;
        }

        if (!client.Connection.Send(length))
        {
            Finish(client, "a request could not be sent");
        }
    }

    private void Finish(Client client, string? error)
    {
        if (error is not null)
        {
            RecordError(error);
        }

        client.IsFinished = true;
        client.Connection.Dispose();
        _running--;
    }

    private void RecordError(string description, int count = 1)
    {
        _errors += count;
        _firstError ??= description;
    }

    // Texts are made for the first error only: a run that fails throughout must not spend its time on them.
    private string DescribeAnswer(AnswerBuffer answer) => _firstError
        ?? string.Create(CultureInfo.InvariantCulture, $"answered {answer.Status}: {Text(answer.Body)}");

    private string DescribeBroken(Client client) => _firstError
        ?? (client.Connection.Answer.Raw.IsEmpty ? "connection closed without an answer" : $"malformed answer: {Text(client.Connection.Answer.Raw)}");

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes[..Math.Min(400, bytes.Length)]).ReplaceLineEndings(" ");

    private static long Ticks(TimeSpan span) => (long)(span.TotalSeconds * Stopwatch.Frequency);

    private sealed class Client(Connection connection, IClientScript script)
    {
        public Connection Connection { get; } = connection;

        public IClientScript Script { get; } = script;

        /// <summary>Its connection is closed, by either side; a server may close it during a pause too.</summary>
        public bool IsFinished { get; set; }

        /// <summary>When a client that failed asks again.</summary>
        public long ResumeAt { get; set; }

        /// <summary>When the first request of the present operation was sent.</summary>
        public long OperationStart { get; set; }
    }

    private sealed class Window
    {
        private long _start;
        private TimeSpan _cpuAtStart;

        public TimeSpan Length { get; private set; }

        public TimeSpan GeneratorCpu { get; private set; }

        public void Open(Action? sample)
        {
            sample?.Invoke();
            _cpuAtStart = Environment.CpuUsage.TotalTime;
            _start = Stopwatch.GetTimestamp();
        }

        public void Close(Action? sample)
        {
            Length = Stopwatch.GetElapsedTime(_start);
            GeneratorCpu = Environment.CpuUsage.TotalTime - _cpuAtStart;
            sample?.Invoke();
        }
    }
}
