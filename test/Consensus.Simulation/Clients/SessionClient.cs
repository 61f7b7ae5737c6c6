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
/// <param name="answers">Told of every answer.</param>
public sealed class SessionClient(SimulatedCluster cluster, SessionAnswers answers, int number, ulong seed)
{
    private const int AtOnce = 6;
    private const long TtlMicros = 6_000_000;
    private const long PatienceMicros = 1_000_000;

    private readonly DeterministicRandom _random = new(seed);

    /// <summary>What came of them is not known yet.</summary>
    private readonly SortedDictionary<long, Command> _open = [];
    private LeaseId _session;
    private long _next = 1;
    private int _late;
    private bool _stopped;

    /// <summary>It knows what came of everything, and nothing of it is still to come.</summary>
    public bool IsIdle => _stopped && _open.Count == 0 && _late == 0;

    public void Start()
    {
        Ask();
        Renew();
    }

    /// <summary>Begins nothing new; what is under way ends in its own time.</summary>
    public void Stop() => _stopped = true;

    private long Acked => _open.Count == 0 ? _next - 1 : _open.Keys.First() - 1;

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
    private Command Draw(long asked)
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
        var session = _session;
        if (!session.IsNone)
        {
            Execute(new CommandEnvelope(new RenewLeasesCommand([session])), answer =>
            {
                if (answer.Outcome is LeasesRenewed { Renewals: [{ Alive: false }] })
                {
                    Over(session);
                }
            });
        }
        Renew();
    });

    /// <summary>Sends one attempt, and looks after a while whether it is known by then what came of it.</summary>
    private void Send(LeaseId session, long asked)
    {
        if (session != _session || !_open.TryGetValue(asked, out var command))
        {
            return;
        }
        var acked = _random.Chance(1, 4) ? 0 : Acked;
        answers.Acknowledged(session, acked);
        var envelope = new CommandEnvelope(command, default, BitConverter.GetBytes(asked)) { Session = new SessionRequest(session, asked, acked) };
        if (_random.Chance(1, 4))
        {
            // Held up on its way: its client has long asked again, acknowledged the answer or settled the number when it comes.
            _late++;
            cluster.Time.After(_random.Next(PatienceMicros, 8 * PatienceMicros), () =>
            {
                _late--;
                Try(envelope);
            });
        }
        else
        {
            Try(envelope);
        }
        cluster.Time.After(_random.Next(PatienceMicros / 4, PatienceMicros), () =>
        {
            if (_random.Chance(1, 4))
            {
                Settle(session, asked);
            }
            else
            {
                Send(session, asked);
            }
        });
    }

    private void Try(CommandEnvelope envelope) => Execute(envelope, answer => Told(envelope.Session.Session, envelope.Session.Number, answer));

    private void Settle(LeaseId session, long asked)
    {
        if (session != _session || !_open.ContainsKey(asked))
        {
            return;
        }
        Execute(new CommandEnvelope(new SettleCommand(session, asked)), answer => Told(session, asked, answer));
        cluster.Time.After(PatienceMicros, () => Settle(session, asked));
    }

    private void Told(LeaseId session, long asked, CommandAnswer answer)
    {
        if (answer.Outcome is not { } outcome)
        {
            return;
        }
        answers.Told(session, asked, outcome);
        if (session != _session || _random.Chance(1, 6))
        {
            // Of another session, or lost on its way.
            return;
        }
        if (outcome is SessionRefused { Reason: SessionRefusal.Ended })
        {
            Over(session);
        }
        else if (outcome is PutDone or DeleteDone or ConditionFailed or RequestWithdrawn or QuotaExceeded or Settled)
        {
            _open.Remove(asked);
        }
    }

    /// <summary>What is not known by now stays unknown, and is never asked under another session.</summary>
    private void Over(LeaseId session)
    {
        if (session == _session)
        {
            _open.Clear();
            _session = LeaseId.None;
        }
    }

    /// <summary>Through some member that is there when the request arrives.</summary>
    private void Execute(CommandEnvelope envelope, Action<CommandAnswer> answered) => cluster.Time.After(_random.Next(200, 20_000), () =>
    {
        var node = cluster.Nodes[(int)_random.Next(cluster.Nodes.Count)];
        node.Process?.Execute(envelope, answer => cluster.Time.After(_random.Next(200, 20_000), () => answered(answer)));
    });
}
