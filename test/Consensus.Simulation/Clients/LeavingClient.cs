using System.Collections.Immutable;
using System.Globalization;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Checkers.Holds;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Clients;

/// <summary>
/// A client that asks for locks, one or several, under a key, under a number of its session or under nothing, and leaves without the
/// answer more often than not: before its request is applied, while it stands in line, or just as it is granted. What it waits for is
/// broken in that moment, the first lock that it left soon after, by force or with its lease; some of what it left it asks for again under
/// its key. What it is told of it holds for a moment. Its lease outlives what it asks for, so nothing ends by itself that somebody has to
/// end, and nobody breaks anything else.
/// </summary>
/// <param name="left">Told which attempts were left; null when nobody looks.</param>
/// <param name="history">Told which attempts are whose.</param>
/// <param name="told">What clients were told last that they hold: operators break it for those who wait. One for all clients.</param>
internal sealed class LeavingClient(
    SimulatedCluster cluster,
    LeftHolds? left,
    History history,
    LeaverPlan plan,
    Dictionary<Key, FencingToken> told,
    int number,
    ulong seed)
{
    /// <summary>Operations of other clients have lower numbers, and other clients others.</summary>
    private const long FirstOperation = 1_000_000_000_000;
    private const int FirstClient = -1_000;
    private const long LeaseTtlMicros = 20_000_000;
    private const long PatienceMicros = 1_000_000;

    /// <summary>Lines stay shorter than what a view shows of them, which is all that checkers see.</summary>
    private const int MostOpen = 10;

    private readonly DeterministicRandom _random = new(seed);

    /// <summary>What it waits for, or holds. Of a process that has ended nothing comes any more.</summary>
    private readonly List<Attempt> _open = [];

    /// <summary>The lease under which it asks for most; none while it has none.</summary>
    private LeaseId _lease;

    /// <summary>The last number that it asked under, where that is a session; null where it is none.</summary>
    private long? _asked;
    private long _operations;
    private bool _isStopped;
    private bool _isFinished;

    /// <summary>Nothing that it asked for is open, and it holds nothing that it was told of.</summary>
    public bool IsIdle => _isStopped && _open.TrueForAll(attempt => attempt.IsOver);

    /// <summary>How much of it is open.</summary>
    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"leaver {number}: {_open.Count(attempt => !attempt.IsOver)} attempts open, {_open.Sum(attempt => attempt.ToRelease)} holds to release");

    public void Start()
    {
        KeepLease();
        Think();
    }

    /// <summary>Begins nothing new, and breaks nothing; its lease lives on.</summary>
    public void Stop() => _isStopped = true;

    /// <summary>Renews nothing any more.</summary>
    public void Finish() => _isFinished = true;

    private void Think() => cluster.Time.After(_random.Next(1, 2 * plan.ThinkMicros), () =>
    {
        if (_isStopped)
        {
            return;
        }
        _open.RemoveAll(attempt => attempt.IsOver);
        if (_open.Count < MostOpen)
        {
            Send(Draw());
        }
        Think();
    });

    private void KeepLease()
    {
        if (_isFinished)
        {
            return;
        }
        var lease = _lease;
        if (lease.IsNone)
        {
            var isSession = _random.Chance(1, 3);
            var grant = new GrantLeaseCommand(new LeaseId((long)(_random.NextUInt64() >> 1) | 1), LeaseTtlMicros) { IsSession = isSession };
            Execute(new CommandEnvelope(grant), answer =>
            {
                if (answer.Outcome is LeaseGranted granted && _lease.IsNone)
                {
                    _lease = granted.Id;
                    _asked = isSession ? 0 : null;
                }
            });
        }
        else if (!_isStopped && _random.Chance(1, 10))
        {
            Execute(new CommandEnvelope(new RevokeLeaseCommand(lease)), static _ => { });
            _lease = LeaseId.None;
        }
        else
        {
            Execute(new CommandEnvelope(new RenewLeasesCommand([lease])), answer =>
            {
                if (answer.Outcome is LeasesRenewed { Renewals: [{ Alive: false }] } && _lease == lease)
                {
                    _lease = LeaseId.None;
                }
            });
        }
        cluster.Time.After(lease.IsNone ? PatienceMicros : LeaseTtlMicros / 5, KeepLease);
    }

    private Operation Draw()
    {
        var isSeveral = _random.Chance(plan.SeveralPercent, 100);
        var names = DrawNames(isSeveral ? _random.Next(2, 4) : 1);
        var lease = _random.Chance(4, 5) ? _lease : LeaseId.None;
        var ttl = lease.IsNone ? _random.Next(1_000_000, 4_000_000) : 0;
        var wait = _random.Chance(3, 4) ? _random.Next(200_000, 4_000_000) : 0;
        var operation = FirstOperation + (number * FirstOperation) + ++_operations;
        var client = FirstClient - number;
        var owner = string.Create(CultureInfo.InvariantCulture, $"c{client}-{operation}");
        var isNumbered = _asked is not null && !lease.IsNone && _random.Chance(1, 2);
        return new Operation
        {
            Number = operation,
            Client = client,
            Kind = isSeveral ? OperationKind.AcquireMany : OperationKind.AcquireHold,
            Object = names[0].ToString(),
            Name = ObjectName.Lock(names[0]),
            Command = isSeveral
                ? new AcquireManyCommand(names, owner, ttl, LeaseId.None, lease) { WaitMicros = wait }
                : new AcquireCommand(names[0], owner, ttl, LeaseId.None, lease, wait)
                {
                    Mode = _random.Chance(1, 4) ? LockMode.Shared : LockMode.Exclusive,
                },
            WaitMicros = wait,
            Session = isNumbered ? new SessionRequest(lease, NextNumber(), 0) : default,
            HasIdentity = !isNumbered && _random.Chance(2, 3),
        };
    }

    private long NextNumber()
    {
        _asked++;
        return _asked!.Value;
    }

    private ImmutableArray<Key> DrawNames(long count)
    {
        var drawn = new List<int>();
        while (drawn.Count < Math.Min(count, plan.Locks))
        {
            var name = (int)_random.Next(plan.Locks);
            if (!drawn.Contains(name))
            {
                drawn.Add(name);
            }
        }
        return [.. drawn.Select(name => Key.FromText(string.Create(CultureInfo.InvariantCulture, $"q{name}")))];
    }

    private void Send(Operation operation) => At(process => Ask(process, operation));

    /// <summary>One attempt on one connection.</summary>
    private void Ask(SimulatedProcess process, Operation operation)
    {
        var attempt = new Attempt(process);
        _open.Add(attempt);
        var command = process.Execute(EnvelopeOf(operation, process), answer => Answered(attempt, operation, answer));
        attempt.Command = command;
        history.Asked(command.Request, operation);
        var leavesAfter = _random.Next(4) switch
        {
            0 => -1,
            1 => _random.Next(operation.WaitMicros + 1),
            _ => _random.Next(6_000),
        };
        if (leavesAfter >= 0)
        {
            cluster.Time.After(leavesAfter, () => Leave(attempt, operation));
        }
    }

    /// <summary>All numbers before this one are acknowledged: places and holds are found by theirs all the same.</summary>
    private static CommandEnvelope EnvelopeOf(Operation operation, SimulatedProcess process) => operation.Session.IsNone
        ? operation.Envelope(process.NewLeaseId())
        : new CommandEnvelope(operation.Command!, default, BitConverter.GetBytes(operation.Number))
        {
            Session = operation.Session with { Acked = operation.Session.Number - 1 },
        };

    private void Leave(Attempt attempt, Operation operation)
    {
        if (_isStopped || !_random.Chance(1, 2))
        {
            Go(attempt, operation);
            return;
        }
        // What the request waits for becomes free in the very moment, perhaps before its place is let go of.
        foreach (var name in NamesOf(operation))
        {
            if (told.TryGetValue(name, out var token))
            {
                Execute(new CommandEnvelope(new ReleaseHoldCommand(name, token, Force: true)), static _ => { });
            }
        }
        cluster.Time.After(_random.Next(1, 3_000), () => Go(attempt, operation));
    }

    private void Go(Attempt attempt, Operation operation)
    {
        if (attempt.IsAnswered || attempt.IsOver)
        {
            return;
        }
        attempt.IsLeft = true;
        var command = attempt.Command!;
        history.Over(command.Request);
        if (operation.Session.IsNone)
        {
            left?.Left(command.Request, operation);
        }
        cluster.Wiring.ClientGone(attempt.Process, command);
        if (_random.Chance(1, 2))
        {
            cluster.Time.After(_random.Next(1, 9_000_000), () => BreakFirst(operation));
        }
        if (operation.HasIdentity && _random.Chance(plan.BackPercent, 100))
        {
            cluster.Time.After(_random.Next(50_000, 12_000_000), () =>
            {
                if (!_isStopped)
                {
                    Send(operation);
                }
            });
        }
    }

    /// <summary>An operator breaks the first lock of what was left, where that was granted.</summary>
    private void BreakFirst(Operation operation) => At(process => process.Read(ReadConsistency.Stale, Revision.Zero, read =>
    {
        if (!_isStopped && read.View?.GetObject(operation.Name).Holder is { } hold && hold.Owner == operation.HoldsAs)
        {
            Execute(new CommandEnvelope(new ReleaseHoldCommand(hold.Name, hold.Token, Force: true)), static _ => { });
        }
    }));

    private static ImmutableArray<Key> NamesOf(Operation operation) =>
        operation.Command is AcquireManyCommand many ? many.Names : [operation.Key];

    private void Answered(Attempt attempt, Operation operation, CommandAnswer answer)
    {
        attempt.IsAnswered = true;
        history.Over(answer.Request);
        var granted = Grants.Of(answer.Outcome);
        if (!attempt.IsLeft)
        {
            if (answer.Kind == AnswerKind.Unknown && operation.Session.IsNone)
            {
                // It does not ask again: to its member that is as if it had left.
                left?.Left(answer.Request, operation);
            }
            Later(() => Told(attempt, granted));
            return;
        }
        // As the endpoint does that finds nobody to tell.
        foreach (var hold in granted)
        {
            attempt.Process.GiveBack(hold.Object, answer.Request, operation.HasIdentity);
        }
    }

    private void Told(Attempt attempt, ImmutableArray<Hold> granted)
    {
        attempt.ToRelease += granted.Length;
        attempt.IsTold = true;
        foreach (var hold in granted)
        {
            told[hold.Name] = hold.Token;
            cluster.Time.After(_random.Next(10_000, 300_000), () => Release(attempt, hold));
        }
    }

    /// <summary>Asked until it is answered, whatever was not known of it before.</summary>
    private void Release(Attempt attempt, Hold hold)
    {
        var isOver = false;
        Execute(new CommandEnvelope(new ReleaseHoldCommand(hold.Name, hold.Token, Force: false)), answer =>
        {
            if (answer.Outcome is not null && !isOver)
            {
                isOver = true;
                attempt.ToRelease--;
            }
        });
        cluster.Time.After(PatienceMicros, () =>
        {
            if (!isOver)
            {
                isOver = true;
                Release(attempt, hold);
            }
        });
    }

    private void Execute(CommandEnvelope envelope, Action<CommandAnswer> answered) =>
        At(process => process.Execute(envelope, answer => Later(() => answered(answer))));

    /// <summary>Some member, if it is there when the request arrives; in the end, when few may be left, one that is.</summary>
    private void At(Action<SimulatedProcess> arrives) => Later(() =>
    {
        if (cluster.ProcessFrom((int)_random.Next(cluster.Nodes.Count), goesOn: _isStopped) is { } process)
        {
            arrives(process);
        }
    });

    /// <summary>One way between a client and a member.</summary>
    private void Later(Action arrives) => cluster.Time.After(_random.Next(100, 2_000), arrives);

    private sealed class Attempt(SimulatedProcess process)
    {
        public SimulatedProcess Process => process;

        public SimulatedCommand? Command { get; set; }

        /// <summary>Its client waits for it no longer.</summary>
        public bool IsLeft { get; set; }

        /// <summary>The member answered it.</summary>
        public bool IsAnswered { get; set; }

        /// <summary>The answer came to its client.</summary>
        public bool IsTold { get; set; }

        /// <summary>Holds that its client was told of and has not released.</summary>
        public int ToRelease { get; set; }

        public bool IsOver => ToRelease == 0 && (IsLeft || IsTold || (!IsAnswered && process.Node.Process != process));
    }
}
