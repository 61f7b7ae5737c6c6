using System.Globalization;
using System.Text;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Checkers;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Clients;

/// <summary>
/// A client that holds and waits under its session, by numbers. Connections of attempts that wait break, and it asks again through another
/// member. Each renewal asks for the news:
/// what has ended it believes in no longer, and what it does not know of it gives back.
/// </summary>
/// <param name="checks">Told of every answer.</param>
/// <param name="history">Told which attempts are whose.</param>
/// <param name="askers">Owners who asked for something last: to these holds are handed over. One for all clients.</param>
internal sealed class SessionHolder(
    SimulatedCluster cluster, SessionChecks checks, History history, HolderPlan plan, Dictionary<ObjectName, string> askers, int number, ulong seed)
    : SessionClient(cluster, checks.Answers, number, seed)
{
    /// <summary>Operations of other clients have lower numbers.</summary>
    private const long FirstOperation = 1_000_000_000;

    private readonly Dictionary<long, Operation> _operations = [];

    /// <summary>What it believes to hold.</summary>
    private readonly List<(ObjectName Object, FencingToken Token)> _holds = [];
    private readonly HashSet<long> _inLine = [];

    /// <summary>The version of the session that it knows all of.</summary>
    private long _version;
    private long _operationCount;

    protected override bool StandsInLine(long asked) => _inLine.Contains(asked);

    protected override bool GivesUp(Command command) => Random.Chance(1, command is AcquireCommand { WaitMicros: > 0 } ? 12 : 4);

    protected override bool IsAnswer(Outcome outcome) => base.IsAnswer(outcome) || outcome is HoldGranted or HoldRefused or PermitsMismatch or ReplayedHoldGone or HoldReleased
        or NotHolder or HandedOver or NoSuchWaiter or BoundReached or RetryTooLate;

    protected override void Learn(Command command, Outcome outcome)
    {
        switch (outcome)
        {
            case HoldGranted granted:
                Believe(granted.Hold.Object, granted.Hold.Token);
                break;
            case HoldReleased or NotHolder when command is ReleaseHoldCommand release:
                _holds.Remove((release.Object, release.Token));
                break;
            case HandedOver or NotHolder when command is HandOverCommand over:
                _holds.Remove((over.Object, over.Token));
                break;
            default:
                break;
        }
    }

    protected override void Forget()
    {
        _holds.Clear();
        _inLine.Clear();
        _operations.Clear();
        _version = 0;
    }

    protected override Command Draw(long asked)
    {
        var command = _holds.Count > 0 && Random.Chance(1, 3) ? OfHold(_holds[(int)Random.Next(_holds.Count)]) : Acquire(asked);
        _operations[asked] = Make(command, new SessionRequest(Session, asked, 0));
        return command;
    }

    protected override void Try(CommandEnvelope envelope)
    {
        var (session, asked) = (envelope.Session.Session, envelope.Session.Number);
        if (session != Session || !_operations.TryGetValue(asked, out var operation))
        {
            // It was held up, and its session is over: nothing new may come of it.
            base.Try(envelope);
            return;
        }
        At(process => Ask(process, operation, envelope));
    }

    protected override void KeepAlive(LeaseId session)
    {
        var since = Random.Chance(1, 8) ? 0 : _version;
        var sent = Cluster.Time.Now;
        if (Random.Chance(1, 4))
        {
            // When it comes the session may be over, and its client have another.
            HoldUp(() => At(process => Renew(process, session, since, sent)));
        }
        else
        {
            At(process => Renew(process, session, since, sent));
        }
    }

    private void Renew(SimulatedProcess process, LeaseId session, long since, long sent)
    {
        var renewal = default(SimulatedCommand);
        renewal = process.Execute(new CommandEnvelope(new RenewLeasesCommand([session])), answer =>
        {
            if (answer.Outcome is LeasesRenewed { Renewals: [var renewed] } outcome)
            {
                checks.Lives?.Told(session, renewed.Alive, sent, Cluster.Time.Now);
                Renewed(process, session, since, renewed.Alive, outcome.Revision, renewal!.Request);
            }
        });
    }

    /// <summary>What the member tells beside a renewal, as its endpoint does: of a state that is as new as that.</summary>
    private void Renewed(SimulatedProcess process, LeaseId session, long since, bool isAlive, Revision revision, RequestId renewal)
    {
        if (!isAlive)
        {
            Later(() => Over(session));
            return;
        }
        process.Read(ReadConsistency.Stale, revision, read =>
        {
            if (read.View is not { } view)
            {
                return;
            }
            var news = Cluster.Wiring.NewsOf(process, view, session, since);
            checks.News?.Told(session, since, renewal, view.AppliedIndex, news);
            var isLost = Random.Chance(1, 6);
            Later(() =>
            {
                if (news is not null && session == Session && !isLost)
                {
                    LearnNews(since, news);
                }
            });
        });
    }

    private void LearnNews(long since, SessionNews news)
    {
        if (since != 0 && since != _version)
        {
            // Another renewal told it more meanwhile.
            return;
        }
        foreach (var (part, _) in news.Ended)
        {
            _holds.Remove((part.Object, part.Token));
            _inLine.Remove(part.Number);
        }
        if (since == 0)
        {
            _holds.Clear();
            _inLine.Clear();
        }
        foreach (var part in news.Began)
        {
            if (part.Token == FencingToken.None)
            {
                _inLine.Add(part.Number);
            }
            else
            {
                // One that it was never told of it gives back as any other.
                Believe(part.Object, part.Token);
            }
        }
        _version = news.MustList ? 0 : Math.Max(_version, news.Version);
    }

    private void Believe(ObjectName name, FencingToken token)
    {
        if (!_holds.Contains((name, token)))
        {
            _holds.Add((name, token));
        }
    }

    private Command OfHold((ObjectName Object, FencingToken Token) hold)
    {
        if (Random.Chance(1, 6) && askers.TryGetValue(hold.Object, out var to))
        {
            return new HandOverCommand(hold.Object.Name, hold.Token, to) { Space = hold.Object.Space };
        }
        if (Random.Chance(1, 6))
        {
            // Not under a number: by whoever knows the token, or an operator. The session is told of it with the news.
            var isForced = Random.Chance(1, 2);
            var outside = Make(new ReleaseHoldCommand(hold.Object.Name, hold.Token, isForced) { Space = hold.Object.Space }, default);
            At(process => history.Asked(process.Execute(new CommandEnvelope(outside.Command!), static _ => { }).Request, outside));
        }
        return new ReleaseHoldCommand(hold.Object.Name, hold.Token, Force: false) { Space = hold.Object.Space };
    }

    private AcquireCommand Acquire(long asked)
    {
        var name = Random.Next(5) switch
        {
            0 => ObjectName.Semaphore(Key.FromText("ys")),
            1 => ObjectName.Election(Key.FromText("ye")),
            _ => ObjectName.Lock(Key.FromText(string.Create(CultureInfo.InvariantCulture, $"yl{Random.Next(plan.Locks)}"))),
        };
        var owner = string.Create(CultureInfo.InvariantCulture, $"s{Number}/{Session}/{asked}");
        return new AcquireCommand(
            name.Name, owner, 0, LeaseId.None, Session, Random.Chance(plan.WaitPercent, 100) ? Random.Next(300_000, 6_000_000) : 0)
        {
            Space = name.Space,
            Mode = name.Space == HoldSpace.Lock && Random.Chance(1, 3) ? LockMode.Shared : LockMode.Exclusive,
            Count = name.Space == HoldSpace.Semaphore ? Random.Next(1, plan.Permits + 1) : 1,
            Permits = name.Space == HoldSpace.Semaphore ? plan.Permits : 0,
            LockDelayMicros = Random.Chance(1, 6) ? Random.Next(200_000, 2_000_000) : 0,
            MaxHoldMicros = Random.Chance(1, 4) ? Random.Next(500_000, 4_000_000) : 0,
            Value = name.Space == HoldSpace.Election ? Encoding.UTF8.GetBytes(owner) : default,
        };
    }

    private Operation Make(Command command, SessionRequest session) => new()
    {
        Number = FirstOperation + ((long)Number * FirstOperation) + ++_operationCount,
        Client = -1 - Number,
        Kind = command is AcquireCommand ? OperationKind.AcquireHold : command is HandOverCommand ? OperationKind.HandOver : OperationKind.ReleaseHold,
        Object = "",
        Name = command switch
        {
            AcquireCommand one => one.Object,
            ReleaseHoldCommand release => release.Object,
            HandOverCommand over => over.Object,
            _ => default,
        },
        Command = command,
        WaitMicros = command is AcquireCommand waits ? waits.WaitMicros : 0,
        Session = session,
    };

    /// <summary>One attempt on one connection, which may break while it waits.</summary>
    private void Ask(SimulatedProcess process, Operation operation, CommandEnvelope envelope)
    {
        var isLeft = false;
        var isAnswered = false;
        var attempt = default(SimulatedCommand);
        attempt = process.Execute(envelope, answer =>
        {
            isAnswered = true;
            history.Over(answer.Request);
            if (isLeft && answer.Outcome is HoldGranted granted)
            {
                // As the endpoint does that finds nobody to tell.
                process.GiveBack(granted.Hold.Object, answer.Request, hasKey: false);
            }
            Later(() => Told(envelope.Session.Session, envelope.Session.Number, answer, isLeft));
        });
        history.Asked(attempt.Request, operation);
        if (operation.Command is AcquireCommand { WaitMicros: > 0 } waits)
        {
            askers[waits.Object] = waits.Owner;
            if (Random.Chance(plan.BreakPercent, 100))
            {
                Cluster.Time.After(Random.Next(PatienceMicros), () => Leave());
            }
        }

        void Leave()
        {
            if (!isAnswered && process.Node.Process == process)
            {
                isLeft = true;
                history.Over(attempt.Request);
                Cluster.Wiring.ClientGone(process, attempt);
            }
        }
    }
}
