using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Engine;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Transactions;

namespace Consensus.Simulation.Clients;

/// <summary>
/// One client: one operation at a time, tried again through any member under the same identity, as the client library does. It has a clock of its own and may be
/// cut off from members.
/// </summary>
public sealed class VirtualClient
{
    private readonly SimulatedCluster _cluster;
    private readonly ClientOptions _options;
    private readonly History _history;
    private readonly DeterministicRandom _random;

    /// <summary>A stream of its own: clients whose attempts are never held up are what they would be without.</summary>
    private readonly DeterministicRandom _troubles;
    private readonly Workload _workload;
    private readonly bool[] _cutOff;
    private int[] _reach;
    private Attempt? _attempt;
    private int _favourite;
    private long _seenRevision;
    private bool _stopped;

    /// <summary>What it gave up, and has not begun to withdraw yet.</summary>
    private Operation? _withdraws;

    /// <param name="workload">Null for keys and locks.</param>
    public VirtualClient(
        SimulatedCluster cluster, ClientOptions options, History history, int number, ulong seed, Func<DeterministicRandom, Workload>? workload = null)
    {
        (_cluster, _options, _history, Number) = (cluster, options, history, number);
        _random = new DeterministicRandom(seed);
        _troubles = new DeterministicRandom(seed ^ 0x4E1D_0F05);
        _workload = workload?.Invoke(_random) ?? new KeyAndLockWorkload(options, history, number, _random);
        Clock = new SimulatedClock(_random.Next(1_000_000_000));
        _cutOff = new bool[cluster.Nodes.Count];
        _reach = [.. cluster.Formed.Select(n => n.Number)];
        _favourite = (int)_random.Next(_reach.Length);
        cluster.OnProcessEnded += OnProcessEnded;
    }

    public int Number { get; }

    public SimulatedClock Clock { get; }

    /// <summary>True time, in microseconds, after which no attempt that is held up by now comes to be executed any more.</summary>
    public long HeldUpUntil { get; private set; }

    /// <summary>The operation under way.</summary>
    public Operation? Current { get; private set; }

    /// <summary>Told of each operation that ended.</summary>
    public event Action<Operation>? OnReturned;

    private Scheduler Time => _cluster.Time;

    private long ClockNow => Clock.At(Time.Now);

    public void Start() => Think();

    /// <summary>Begins nothing new; what is under way ends in its own time.</summary>
    public void Stop() => _stopped = true;

    /// <summary>The members that it tries from now on.</summary>
    public void Reach(int[] nodes)
    {
        _reach = nodes;
        _favourite = nodes[0];
    }

    /// <summary>Somebody told it of these members; it stays with the one that it talks to if that is among them.</summary>
    public void Learn(int[] nodes)
    {
        _reach = nodes;
        if (!nodes.Contains(_favourite))
        {
            _favourite = nodes[(int)_random.Next(nodes.Length)];
        }
    }

    /// <summary>Numbers of the members that it tries.</summary>
    public IReadOnlyList<int> Reached => _reach;

    public bool IsCutOff(int node) => _cutOff[node];

    public void CutOff(int node, bool isCut) => _cutOff[node] = isCut;

    /// <summary>One operation outside the client's own plan, while it is stopped and idle.</summary>
    public void Do(Operation operation)
    {
        Invariant.Require(Current is null, "one operation at a time");
        Begin(operation);
    }

    private void Think()
    {
        if (!_stopped)
        {
            Time.After(_random.Next(2 * _options.ThinkMicros) + 1, () =>
            {
                if (!_stopped && Current is null)
                {
                    Begin(_workload.Next(ClockNow));
                }
            });
        }
    }

    private void Begin(Operation operation)
    {
        operation.InvokedAt = Time.Now;
        operation.InvokedClock = ClockNow;
        Current = operation;
        _history.Invoked(operation);
        _cluster.Trace.Note(TraceEvent.Request, Number, operation.Number);
        if (_cluster.Trace.Writes)
        {
            _cluster.Trace.Line($"c{Number} asks: {operation}");
        }
        Try();
    }

    private void Try()
    {
        var operation = Current!;
        operation.Attempts++;
        if (operation.Attempts > 1 || _random.Chance(_options.WanderPercent, 100))
        {
            _favourite = _reach[_random.Next(_reach.Length)];
        }
        var node = _cluster.Nodes[_favourite];
        var attempt = new Attempt(operation, node);
        _attempt = attempt;
        var patience = _random.Next(_options.ShortestPatience, _options.LongestPatience) + operation.WaitMicros;
        if (operation is { HasIdentity: true, WaitMicros: > 0 } && _options.BreakPercent > 0 && _troubles.Chance(_options.BreakPercent, 100))
        {
            patience = _troubles.Next(1, operation.WaitMicros + 1);
        }
        Time.At(Clock.WhenShows(ClockNow + patience), () => TimeOut(attempt));
        Time.After(Delay(), () => Arrive(attempt));
    }

    private long Delay() => _options.DelayMicros + _random.Next(_options.DelayMicros + 1);

    /// <summary>The request reaches the member, or nobody.</summary>
    private void Arrive(Attempt attempt)
    {
        if (attempt.IsOver || _cutOff[attempt.Node.Number])
        {
            return;
        }
        if (attempt.Node.Process is not { } process)
        {
            if (attempt.Node.HostIsUp)
            {
                Time.After(Delay(), () => End(attempt, OperationStatus.NotDone));
            }
            return;
        }
        attempt.Process = process;
        if (!attempt.Operation.IsRead && _troubles.Chance(_options.HeldUpPercent, 100))
        {
            var micros = _troubles.Next(_options.ShortestHeldUp, _options.LongestHeldUp);
            HeldUpUntil = Math.Max(HeldUpUntil, Time.Now + micros);
            Time.After(micros, () => GoOn(attempt));
            return;
        }
        Execute(attempt);
    }

    /// <summary>A request that was held up in its member comes to be executed, if that lives, whether its client still waits for it or not.</summary>
    private void GoOn(Attempt attempt)
    {
        if (attempt.Node.Process != attempt.Process)
        {
            return;
        }
        Execute(attempt);
        if (attempt.IsOver && _troubles.Chance(1, 2))
        {
            IsLeft(attempt);
        }
    }

    private void Execute(Attempt attempt)
    {
        var (process, operation) = (attempt.Process!, attempt.Operation);
        if (operation.IsRead)
        {
            var consistency = operation.Kind == OperationKind.StaleRead ? ReadConsistency.Stale : ReadConsistency.Linearizable;
            var minRevision = new Revision(operation.Kind == OperationKind.StaleRead && operation.Number % 2 == 0 ? _seenRevision : 0);
            process.Read(consistency, minRevision, answer => AnswerRead(attempt, answer));
            return;
        }
        attempt.Command = process.Execute(operation.Envelope(process.NewLeaseId()), answer => AnswerCommand(attempt, answer));
        _history.Asked(attempt.Command.Request, operation);
    }

    /// <summary>The member answers; the endpoint's part of it, and the way back.</summary>
    private void AnswerCommand(Attempt attempt, CommandAnswer answer)
    {
        _history.Over(answer.Request);
        if (attempt.IsAborted)
        {
            var granted = answer.Outcome switch
            {
                HoldGranted one => [one.Hold.Object],
                ManyGranted many => many.Holds.Select(hold => hold.Object),
                _ => Enumerable.Empty<StateMachine.ObjectName>(),
            };
            foreach (var name in granted)
            {
                attempt.Process!.GiveBack(name, answer.Request, attempt.Operation.HasIdentity);
            }
            return;
        }
        if (answer.Outcome is TxnDone done && TxnReads.Lacks(done) && attempt.Operation.Command is TxnCommand asked)
        {
            attempt.Process!.Read(ReadConsistency.Stale, done.Revision, read => Tell(
                attempt, answer with { Outcome = read.View is { } view ? TxnReads.ReadAgain(asked, done, view) : done }));
            return;
        }
        Tell(attempt, answer);
    }

    private void Tell(Attempt attempt, CommandAnswer answer)
    {
        attempt.IsAnswered = true;
        if (answer.Kind == AnswerKind.NotDone)
        {
            attempt.Operation.NotDone.Add(answer.Request);
        }
        Back(attempt, () => End(
            attempt,
            answer.Kind switch
            {
                AnswerKind.Done => OperationStatus.Done,
                AnswerKind.NotDone => OperationStatus.NotDone,
                _ => OperationStatus.Unknown,
            },
            answer.Outcome));
    }

    private void AnswerRead(Attempt attempt, ReadAnswer answer)
    {
        attempt.IsAnswered = true;
        ReadResult? seen = null;
        if (answer is { Kind: AnswerKind.Done, View: { } view })
        {
            seen = Look(attempt.Operation, view);
        }
        Back(attempt, () =>
        {
            attempt.Operation.Seen = attempt.IsOver ? attempt.Operation.Seen : seen;
            End(attempt, seen is null ? OperationStatus.NotDone : OperationStatus.Done);
        });
    }

    private static ReadResult Look(Operation operation, StateMachine.StateView view)
    {
        switch (operation.Kind)
        {
            case OperationKind.ReadKeys:
                var at = operation.AtRevision.Value == 0 ? view.Revision : operation.AtRevision;
                var prefix = StateMachine.Key.FromText(operation.Object);
                var isKnown = at >= view.CompactRevision && at <= view.Revision;
                return new ReadResult(view.Revision.Value)
                {
                    CompactRevision = view.CompactRevision.Value,
                    Items = !isKnown ? null : operation.AtRevision.Value == 0 ? [.. view.ListKeys(prefix, null)] : [.. view.ListKeysAt(prefix, null, at)],
                };
            case OperationKind.ReadHold:
                var info = view.GetObject(operation.Name);
                return new ReadResult(view.Revision.Value, Holder: info.Holder?.Owner, Token: info.Holder?.Token.Value ?? 0)
                {
                    Holders = info.Holders,
                    Permits = info.Permits,
                    Waiters = [.. info.Waiters.Select(waiter => waiter.Owner)],
                };
            case OperationKind.ReadFence:
                return new ReadResult(view.Revision.Value, Token: view.GetFence(operation.Key)?.Value ?? 0);
            default:
                break;
        }
        if (operation.Kind == OperationKind.ReadLock)
        {
            var holder = view.GetObject(operation.Key).Holder;
            return new ReadResult(view.Revision.Value, Holder: holder?.Owner, Token: holder?.Token.Value ?? 0);
        }
        return view.GetKey(operation.Key) is { } record
            ? new ReadResult(
                view.Revision.Value, System.Text.Encoding.UTF8.GetString(record.Value.Span), record.ModRevision.Value, record.Version)
            : new ReadResult(view.Revision.Value);
    }

    private void Back(Attempt attempt, Action arrives) => Time.After(Delay(), () =>
    {
        if (!_cutOff[attempt.Node.Number])
        {
            arrives();
        }
    });

    private void TimeOut(Attempt attempt)
    {
        if (attempt.IsOver)
        {
            return;
        }
        // The client closes its connection; the member notices a moment later, if anything gets through.
        Time.After(Delay(), () =>
        {
            if (!_cutOff[attempt.Node.Number])
            {
                IsLeft(attempt);
            }
        });
        End(attempt, OperationStatus.Unknown);
    }

    /// <summary>The member notices that the client closed its connection.</summary>
    private void IsLeft(Attempt attempt)
    {
        if (attempt.IsAnswered || attempt.Node.Process != attempt.Process || attempt.Command is not { } command)
        {
            return;
        }
        attempt.IsAborted = true;
        if (attempt.Operation is { Kind: OperationKind.Acquire or OperationKind.AcquireHold or OperationKind.AcquireMany, WaitMicros: > 0 })
        {
            _history.Over(command.Request);
            _cluster.Wiring.ClientGone(attempt.Process!, command);
        }
    }

    private void OnProcessEnded(SimulatedNode node, SimulatedProcess process, EndKind kind)
    {
        if (_attempt is { IsOver: false } attempt && attempt.Process == process && node.HostIsUp)
        {
            // Its host resets the connection. An answer that left before is still in front of that.
            Time.After(2 * Delay(), () => End(attempt, OperationStatus.Unknown));
        }
    }

    /// <summary>One attempt ended; the operation ends with it or is tried again.</summary>
    private void End(Attempt attempt, OperationStatus status, Outcome? outcome = null)
    {
        if (attempt.IsOver)
        {
            return;
        }
        attempt.IsOver = true;
        var operation = attempt.Operation;
        if (status == OperationStatus.Done && outcome is not WaitDetached)
        {
            operation.AnsweredRequest = attempt.Command?.Request ?? RequestId.None;
            Return(operation, status, outcome);
            return;
        }
        operation.HadUnknownAttempt |= status != OperationStatus.NotDone && !operation.IsRead;
        var mayRetry = operation.HasIdentity || operation.IsRead || operation.Kind == OperationKind.Withdraw || !operation.HadUnknownAttempt;
        var givesUp = operation is { HasIdentity: true, HadUnknownAttempt: true } && _options.WithdrawPercent > 0 && _troubles.Chance(_options.WithdrawPercent, 100);
        if (givesUp)
        {
            _withdraws = operation;
        }
        if (!givesUp && mayRetry && operation.Attempts < _options.MaxAttempts && (!_stopped || operation.Attempts < 3))
        {
            Time.After(_random.Next(20_000, 500_000), () => Retry(operation));
            return;
        }
        Return(operation, operation.HadUnknownAttempt ? OperationStatus.Unknown : OperationStatus.NotDone, null);
    }

    private void Retry(Operation operation)
    {
        if (Current == operation)
        {
            Try();
        }
    }

    private void Return(Operation operation, OperationStatus status, Outcome? outcome)
    {
        operation.Status = status;
        operation.Outcome = outcome;
        operation.ReturnedAt = status == OperationStatus.Done ? Time.Now : long.MaxValue;
        Current = null;
        _cluster.Trace.Note(TraceEvent.Answer, Number, operation.Number);
        if (_cluster.Trace.Writes)
        {
            _cluster.Trace.Line($"c{Number} knows: {operation}");
        }
        if (status == OperationStatus.Done)
        {
            _seenRevision = Math.Max(_seenRevision, Math.Max(operation.Seen?.ViewRevision ?? 0, outcome?.Revision.Value ?? 0));
        }
        _workload.Learn(operation, ClockNow);
        OnReturned?.Invoke(operation);
        if (_withdraws is { } given)
        {
            _withdraws = null;
            Begin(Withdrawal(given));
            return;
        }
        Think();
    }

    private Operation Withdrawal(Operation given) => new()
    {
        Number = _history.NextNumber,
        Client = Number,
        Kind = OperationKind.Withdraw,
        Object = given.Owner,
        Command = new StateMachine.Commands.WithdrawCommand(StateMachine.Key.FromText(given.Owner)),
        Withdraws = given,
    };

    /// <summary>One request on one connection.</summary>
    private sealed class Attempt(Operation operation, SimulatedNode node)
    {
        public Operation Operation { get; } = operation;

        public SimulatedNode Node { get; } = node;

        public SimulatedProcess? Process { get; set; }

        public SimulatedCommand? Command { get; set; }

        /// <summary>The client waits for it no longer.</summary>
        public bool IsOver { get; set; }

        /// <summary>The member knows that the client is gone.</summary>
        public bool IsAborted { get; set; }

        /// <summary>The member wrote its answer.</summary>
        public bool IsAnswered { get; set; }
    }
}
