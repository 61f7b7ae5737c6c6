using System.Globalization;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Nodes;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Simulation.Clients;

/// <summary>
/// A client with a session: several numbered writes at once, in any order, each sent through any member until it is known what came of it. Some attempts are held up and come late,
/// some answers are lost, and what stays unknown for long is settled. A session that is not renewed in time, as some are not, ends, and another one is opened.
/// </summary>
/// <param name="answers">Told of every answer; null when nobody looks.</param>
public class SessionClient(SimulatedCluster cluster, SessionAnswers? answers, int number, ulong seed)
{
    protected const long TtlMicros = 6_000_000;
    protected const long PatienceMicros = 1_000_000;
    private const int AtOnce = 6;

    private readonly DeterministicRandom _random = new(seed);

    /// <summary>What came of them is not known yet.</summary>
    private readonly SortedDictionary<long, Command> _open = [];
    private LeaseId _session;
    private long _next = 1;
    private int _late;
    private bool _stopped;

    protected SimulatedCluster Cluster => cluster;

    protected DeterministicRandom Random => _random;

    protected int Number => number;

    /// <summary>None while it has none.</summary>
    protected LeaseId Session => _session;

    /// <summary>It knows what came of everything, and nothing of it is still to come.</summary>
    public bool IsIdle => _stopped && _open.Count == 0 && _late == 0;

    /// <summary>How much of it is open.</summary>
    public string Describe() => string.Create(
        CultureInfo.InvariantCulture, $"session client {number}: {_open.Count} numbers open, {_late} attempts held up");

    public void Start()
    {
        Ask();
        Renew();
    }

    /// <summary>Begins nothing new; what is under way ends in its own time.</summary>
    public void Stop() => _stopped = true;

    private long Acked
    {
        get
        {
            foreach (var asked in _open.Keys)
            {
                if (!StandsInLine(asked))
                {
                    return asked - 1;
                }
            }
            return _next - 1;
        }
    }

    /// <summary>What came of it is not known yet.</summary>
    protected bool IsOpen(long asked) => _open.ContainsKey(asked);

    /// <summary>It is known to have a place in line: then it may be acknowledged, and is found by its number all the same.</summary>
    protected virtual bool StandsInLine(long asked) => false;

    /// <summary>Whether it gives up asking, and has the number settled.</summary>
    protected virtual bool GivesUp(Command command) => _random.Chance(1, 4);

    /// <summary>What an answer tells of its number is all that will ever come of it, or all that its client will ever know.</summary>
    protected virtual bool IsAnswer(Outcome outcome) =>
        outcome is PutDone or DeleteDone or ConditionFailed or RequestWithdrawn or QuotaExceeded or Settled;

    /// <summary>What came of a number is known now.</summary>
    protected virtual void Learn(Command command, Outcome outcome)
    {
    }

    /// <summary>Nothing of the session is there any more.</summary>
    protected virtual void Forget()
    {
    }

    private void Ask() => cluster.Time.After(_random.Next(1, 120_000), () =>
    {
        if (_stopped)
        {
            return;
        }
        if (_session.IsNone)
        {
            Open();
        }
        else if (_open.Count < AtOnce)
        {
            var asked = _next++;
            _open.Add(asked, Draw(asked));
            Send(_session, asked);
        }
        Ask();
    });

    /// <summary>Half are of one key, made only while it is not there: whether a "no" stays one shows in these.</summary>
    protected virtual Command Draw(long asked)
    {
        var shared = Key.FromText(string.Create(CultureInfo.InvariantCulture, $"z{number}"));
        var own = Key.FromText(string.Create(CultureInfo.InvariantCulture, $"z{number}/{_session}/{asked}"));
        return _random.Next(4) switch
        {
            0 => new PutCommand(shared, BitConverter.GetBytes(asked), LeaseId.None, new KeyCondition(KeyConditionKind.Absent)),
            1 => new DeleteCommand(shared, KeyCondition.None),
            _ => new PutCommand(own, BitConverter.GetBytes(asked), LeaseId.None, KeyCondition.None),
        };
    }

    private void Open() => Execute(new CommandEnvelope(new GrantLeaseCommand(new LeaseId((long)(_random.NextUInt64() >> 1) | 1), TtlMicros) { IsSession = true }), answer =>
    {
        if (answer.Outcome is LeaseGranted granted && _session.IsNone)
        {
            (_session, _next) = (granted.Id, 1);
        }
    });

    private void Renew() => cluster.Time.After(_random.Chance(1, 8) ? 2 * TtlMicros : TtlMicros / 4, () =>
    {
        if (_stopped && _open.Count == 0)
        {
            return;
        }
        if (!_session.IsNone)
        {
            KeepAlive(_session);
        }
        Renew();
    });

    /// <summary>One renewal.</summary>
    protected virtual void KeepAlive(LeaseId session) => Execute(new CommandEnvelope(new RenewLeasesCommand([session])), answer =>
    {
        if (answer.Outcome is LeasesRenewed { Renewals: [{ Alive: false }] })
        {
            Over(session);
        }
    });

    /// <summary>Sends one attempt, and looks after a while whether it is known by then what came of it.</summary>
    private void Send(LeaseId session, long asked)
    {
        if (session != _session || !_open.TryGetValue(asked, out var command))
        {
            return;
        }
        var acked = _random.Chance(1, 4) ? 0 : Math.Min(Acked, asked - 1);
        answers?.Acknowledged(session, acked);
        var envelope = new CommandEnvelope(command, default, BitConverter.GetBytes(asked)) { Session = new SessionRequest(session, asked, acked) };
        if (_random.Chance(1, 4))
        {
            // Held up on its way: its client has long asked again, acknowledged the answer or settled the number when it comes.
            HoldUp(() => Try(envelope));
        }
        else
        {
            Try(envelope);
        }
        cluster.Time.After(_random.Next(PatienceMicros / 4, PatienceMicros), () =>
        {
            if (GivesUp(command))
            {
                Settle(session, asked);
            }
            else
            {
                Send(session, asked);
            }
        });
    }

    /// <summary>One attempt, now.</summary>
    protected virtual void Try(CommandEnvelope envelope) =>
        Execute(envelope, answer => Told(envelope.Session.Session, envelope.Session.Number, answer));

    private void Settle(LeaseId session, long asked)
    {
        if (session != _session || !_open.ContainsKey(asked))
        {
            return;
        }
        Execute(new CommandEnvelope(new SettleCommand(session, asked)), answer => Told(session, asked, answer));
        cluster.Time.After(PatienceMicros, () => Settle(session, asked));
    }

    /// <summary>An answer of a number comes to its client, or is lost on its way.</summary>
    /// <param name="isLeft">Nobody takes it any more.</param>
    protected void Told(LeaseId session, long asked, CommandAnswer answer, bool isLeft = false)
    {
        if (answer.Outcome is not { } outcome)
        {
            return;
        }
        answers?.Told(session, asked, outcome);
        if (session != _session || isLeft || _random.Chance(1, 6))
        {
            // Of another session, or lost on its way.
            return;
        }
        if (outcome is SessionRefused { Reason: SessionRefusal.Ended })
        {
            Over(session);
        }
        else if (IsAnswer(outcome) && _open.Remove(asked, out var command))
        {
            Learn(command, outcome is Settled { First: { } first } ? first : outcome);
        }
    }

    /// <summary>What is not known by now stays unknown, and is never asked under another session.</summary>
    protected void Over(LeaseId session)
    {
        if (session == _session)
        {
            _open.Clear();
            _session = LeaseId.None;
            Forget();
        }
    }

    protected void Execute(CommandEnvelope envelope, Action<CommandAnswer> answered) =>
        At(process => process.Execute(envelope, answer => Later(() => answered(answer))));

    /// <summary>Some member, if it is there when the request arrives; in the end, when few may be left, one that is.</summary>
    protected void At(Action<SimulatedProcess> arrives) => Later(() =>
    {
        if (cluster.ProcessFrom((int)_random.Next(cluster.Nodes.Count), goesOn: _stopped) is { } process)
        {
            arrives(process);
        }
    });

    /// <summary>For seconds; until then the client is not idle.</summary>
    protected void HoldUp(Action goesOn)
    {
        _late++;
        cluster.Time.After(_random.Next(PatienceMicros, 8 * PatienceMicros), () =>
        {
            _late--;
            goesOn();
        });
    }

    /// <summary>One way between a client and a member.</summary>
    protected void Later(Action arrives) => cluster.Time.After(_random.Next(200, 20_000), arrives);
}
