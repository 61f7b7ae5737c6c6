using System.Text;
using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Checkers.Histories;
using Consensus.Simulation.Clients;
using Consensus.Simulation.Engine;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Watches;

/// <summary>
/// A client that watches: it follows keys or an election, goes on at another member after the last revision that it saw whenever a stream ends, or it leaves one, and now and
/// then begins to watch something else. It reaches the members that its companion reaches.
/// </summary>
internal sealed class VirtualWatcher : IWatchClient
{
    private const long PatienceMicros = 8_000_000;
    private const long LongestSilenceMicros = 20_000_000;

    private readonly SimulatedCluster _cluster;
    private readonly WatchOrder _order;
    private readonly VirtualClient? _companion;
    private readonly IReadOnlyList<WatchTarget> _targets;
    private readonly DeterministicRandom _random;
    private readonly int _number;
    private WatchTarget _target;
    private Revision? _next;
    private WatchConnection? _connection;
    private WatchOrder.Session? _session;
    private int _node;
    private long _attempt;
    private bool _isSlow;
    private bool _settles;

    public VirtualWatcher(
        SimulatedCluster cluster, WatchOrder order, VirtualClient? companion, IReadOnlyList<WatchTarget> targets, int number, ulong seed)
    {
        (_cluster, _order, _companion, _targets, _number) = (cluster, order, companion, targets, number);
        _random = new DeterministicRandom(seed);
        cluster.OnProcessEnded += OnProcessEnded;
    }

    /// <summary>Messages that it was told.</summary>
    public long Told { get; private set; }

    /// <summary>Watches that began, and that were refused or ended because what came next was forgotten.</summary>
    public long Opened { get; private set; }

    public long Compacted { get; private set; }

    /// <summary>It was told everything there is to tell.</summary>
    public bool IsUpToDate => _connection is not null && _session is { IsComplete: true };

    private Scheduler Time => _cluster.Time;

    private string Who => $"watch w{_number} of {_target.Kind} \"{_target.Name}\" at {_cluster.Nodes[_node].Name}";

    public override string ToString() => $"{Who}{(_connection is null ? ", not connected" : $" next {_next}, {_connection}, awaits {_session}")}";

    public void Start()
    {
        ChooseTarget();
        ConnectAfter(_random.Next(1_000_000));
    }

    /// <summary>From now on it stays where it is, and takes what it is sent at once.</summary>
    public void Settle() => _settles = true;

    void IWatchClient.Send(WatchConnection connection, IReadOnlyList<WatchMessage> messages, Action taken) => Arrive(connection, () =>
    {
        foreach (var message in messages)
        {
            Told++;
            _cluster.Trace.Note(TraceEvent.Answer, -1 - _number, message.Revision.Value);
            _session!.Told(message.Revision, Encoding.UTF8.GetString(message.Bytes));
            _next = message.Revision.Next;
        }
        Time.After(TakeMicros() + Delay(), taken);
    });

    void IWatchClient.SendHeartbeat(WatchConnection connection, Revision upTo) => Arrive(connection, () =>
    {
        _session!.PassedOver(upTo);
        _next = upTo >= _next ? upTo.Next : _next;
    });

    void IWatchClient.SendCompacted(WatchConnection connection, Revision compactRevision) =>
        Arrive(connection, () => BeginAfter(compactRevision));

    void IWatchClient.SendEnd(WatchConnection connection) => Arrive(connection, () =>
    {
        Leave();
        ConnectAfter(_random.Next(1_000_000));
    });

    /// <summary>Something of the stream comes through, unless the client left it or is cut off: then it waits for more in vain.</summary>
    private void Arrive(WatchConnection connection, Action happens) => Time.After(Delay(), () =>
    {
        if (_connection != connection)
        {
            return;
        }
        if (IsCutOff)
        {
            ReconnectLater(_random.Next(1_000_000, LongestSilenceMicros));
            return;
        }
        happens();
    });

    private bool IsCutOff => _companion?.IsCutOff(_node) == true;

    private long Delay() => 200 + _random.Next(2_000);

    private long TakeMicros() => _isSlow && !_settles ? _random.Next(_cluster.Plan.Watches.SlowestTakeMicros) : 0;

    private void ChooseTarget()
    {
        _target = _targets[(int)_random.Next(_targets.Count)] with { WithPrevious = _random.Chance(1, 4) };
        _next = _random.Next(3) switch
        {
            0 => new Revision(1 + _random.Next(_order.Revision.Value)),
            1 => _order.CompactRevision.Next,
            _ => null,
        };
        _isSlow = _random.Chance(1, 3);
    }

    private void ConnectAfter(long micros)
    {
        var attempt = ++_attempt;
        Time.After(micros, () =>
        {
            if (_attempt == attempt)
            {
                Connect();
            }
        });
    }

    private void Connect()
    {
        var attempt = ++_attempt;
        var reach = _companion?.Reached ?? [.. _cluster.Formed.Select(n => n.Number)];
        _node = reach[(int)_random.Next(reach.Count)];
        var whenAsked = _order.Revision;
        Time.After(PatienceMicros, () =>
        {
            if (_attempt == attempt && _connection is null)
            {
                ConnectAfter(0);
            }
        });
        Time.After(Delay(), () =>
        {
            if (_attempt != attempt)
            {
                return;
            }
            if (IsCutOff || _cluster.Nodes[_node].Process is not { } process)
            {
                ConnectAfter(_random.Next(50_000, 1_000_000));
                return;
            }
            process.Watches.Open(_target, _next, this, opening => Time.After(Delay(), () => Answered(attempt, whenAsked, opening)));
        });
    }

    private void Answered(long attempt, Revision whenAsked, WatchOpening opening)
    {
        if (_attempt != attempt || IsCutOff)
        {
            opening.Connection?.Close();
            return;
        }
        if (opening.View is not { } view)
        {
            ConnectAfter(_random.Next(50_000, 500_000));
            return;
        }
        switch (opening.Verdict)
        {
            case WatchBeginning.Compacted:
                _next = opening.From;
                BeginAfter(view.CompactRevision);
                break;
            case WatchBeginning.InTheFuture:
                WatchOrder.InTheFuture(Who, opening.From, view.Revision);
                break;
            case WatchBeginning.Possible when opening.Connection is { IsClosed: false } connection:
                Opened++;
                _connection = connection;
                _next = opening.From;
                _session = _order.Opened(Who, _target, opening.From, view.Revision, whenAsked);
                connection.Server.Soon(connection.Begin);
                PlanToLeave(connection);
                if (connection.Server.Process.HasEnded)
                {
                    // While its first answer was on the way: nothing more comes.
                    ReconnectLater(_random.Next(1_000_000, LongestSilenceMicros));
                }
                break;
            default:
                ConnectAfter(_random.Next(50_000, 500_000));
                break;
        }
    }

    /// <summary>What came next is forgotten: it reads the present state, and goes on behind what is forgotten.</summary>
    private void BeginAfter(Revision compactRevision)
    {
        _order.Compacted(Who, _next!.Value, compactRevision);
        Compacted++;
        Leave();
        _next = compactRevision.Next;
        ConnectAfter(_random.Next(200_000));
    }

    private void PlanToLeave(WatchConnection connection)
    {
        if (_settles)
        {
            return;
        }
        Time.After(1 + _random.Next(2 * _cluster.Plan.Watches.StayMicros), () =>
        {
            if (_connection != connection || _settles)
            {
                return;
            }
            Leave();
            if (_random.Chance(1, 4))
            {
                ChooseTarget();
            }
            ConnectAfter(_random.Next(_random.Chance(1, 3) ? 12_000_000 : 300_000));
        });
    }

    private void Leave()
    {
        if (_connection is { } connection)
        {
            connection.Server.Soon(connection.Close);
        }
        (_connection, _session) = (null, null);
        _attempt++;
    }

    private void ReconnectLater(long micros)
    {
        Leave();
        ConnectAfter(micros);
    }

    private void OnProcessEnded(SimulatedNode node, SimulatedProcess process, EndKind kind)
    {
        if (_connection?.Server.Process == process)
        {
            _connection = null;
            ReconnectLater(node.HostIsUp ? _random.Next(1_000, 500_000) : _random.Next(1_000_000, LongestSilenceMicros));
        }
    }
}
