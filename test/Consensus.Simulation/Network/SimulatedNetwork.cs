using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.Simulation.Engine;
using Consensus.Simulation.Nodes;

namespace Consensus.Simulation.Network;

/// <summary>
/// The network between the members: production frames, lost, late, doubled and overtaken as faults say, and the connections that carry them. What was on
/// its way to a process dies with it, and so does what is sent on a connection to it, be the next one there already; what a dead process sent may still arrive, as from
/// a kernel's buffer.
/// </summary>
public sealed partial class SimulatedNetwork
{
    private const long ShortestRedial = 20_000;
    private const long LongestRedial = 1_000_000;

    /// <summary>A link's thread may be kept from the processor between the handshake, from when frames can be sent, and telling the loop.</summary>
    private const long LatestTold = 30_000;

    /// <summary>TCP gives a silent peer up after so long (the transport's limit for unacknowledged data).</summary>
    private const long SilenceLimit = 5_000_000;

    private readonly Scheduler _time;
    private readonly Trace _trace;
    private readonly DeterministicRandom _random;
    private readonly SimulatedLink[,] _links;
    private readonly bool _linksChange;
    private IReadOnlyList<SimulatedNode> _nodes = [];

    /// <param name="linksChange">Who is linked with whom follows the members' configurations.</param>
    public SimulatedNetwork(Scheduler time, Trace trace, ulong seed, int nodes, NetworkOptions options, bool linksChange)
    {
        (_time, _trace, _random, Options, _linksChange) = (time, trace, new DeterministicRandom(seed), options, linksChange);
        _links = new SimulatedLink[nodes, nodes];
        for (var from = 0; from < nodes; from++)
        {
            for (var to = 0; to < nodes; to++)
            {
                _links[from, to] = new SimulatedLink();
            }
        }
    }

    public NetworkOptions Options { get; set; }

    public long Sent { get; private set; }

    public long Lost { get; private set; }

    public long Duplicated { get; private set; }

    public long Overtaken { get; private set; }

    public void Connect(IReadOnlyList<SimulatedNode> nodes) => _nodes = nodes;

    public SimulatedLink Link(int from, int to) => _links[from, to];

    /// <summary>One way's delay now, in microseconds, without order or loss.</summary>
    public long Delay(int from, int to) =>
        Options.DelayMicros + _random.Next(Options.JitterMicros + 1) + (from >= 0 ? _links[from, to].Slowness : 0);

    /// <summary>A frame of one member's loop to another. False when there is no connection: nothing left.</summary>
    /// <param name="isRaft">It is a message between Raft cores.</param>
    /// <param name="isUrgent">It goes before others that are not.</param>
    public bool Send(SimulatedProcess sender, MemberId to, byte[] frame, bool isRaft, bool isUrgent)
    {
        var from = sender.Node.Number;
        if (Find(to) is not { } receiver || !_links[from, receiver.Number].IsUp)
        {
            return false;
        }
        var link = _links[from, receiver.Number];
        Sent++;
        if (link.IsBlocked)
        {
            return true;
        }
        if (link.Transmit(_time.Now, frame.Length, isUrgent, Options) is not { } leaves)
        {
            return false;
        }
        if (Options.LossPer10000 > 0 && _random.Chance(Options.LossPer10000, 10_000))
        {
            Lost++;
            return true;
        }
        var arrival = leaves + Delay(from, receiver.Number);
        if (isRaft && Options.ReorderingPer10000 > 0 && _random.Chance(Options.ReorderingPer10000, 10_000))
        {
            Overtaken++;
            arrival += _random.Next(Options.StragglerMicros + 1);
        }
        else if (isUrgent)
        {
            link.LastUrgentArrival = arrival = Math.Max(arrival, link.LastUrgentArrival);
        }
        else
        {
            link.LastArrival = arrival = Math.Max(arrival, link.LastArrival);
        }
        PlanDelivery(sender, receiver, link.PeerBoot, frame, arrival);
        if (isRaft && Options.DuplicationPer10000 > 0 && _random.Chance(Options.DuplicationPer10000, 10_000))
        {
            Duplicated++;
            PlanDelivery(sender, receiver, link.PeerBoot, frame, arrival + _random.Next(Options.StragglerMicros + 1));
        }
        return true;
    }

    /// <summary>Bytes of a member's frames that wait for links.</summary>
    public long QueuedBytes(int from)
    {
        long bytes = 0;
        for (var to = 0; to < _nodes.Count; to++)
        {
            bytes += _links[from, to].QueuedBytes(_time.Now, Options);
        }
        return bytes;
    }

    /// <summary>A process began to listen: everybody's next dial finds it, and it dials everybody.</summary>
    public void Started(SimulatedNode node)
    {
        foreach (var other in _nodes)
        {
            if (other == node)
            {
                continue;
            }
            Lose(node.Number, other.Number, tell: false);
            PlanDial(node.Number, other.Number, _random.Next(2_000));
            if (!_links[other.Number, node.Number].IsUp)
            {
                PlanDial(other.Number, node.Number, _random.Next(ShortestRedial));
            }
        }
    }

    /// <summary>A process ended. Its host, if it still runs, resets its connections; otherwise the others hear only silence.</summary>
    public void Ended(SimulatedNode node, bool hostIsUp)
    {
        foreach (var other in _nodes)
        {
            if (other == node)
            {
                continue;
            }
            _links[node.Number, other.Number].IsUp = false;
            _links[node.Number, other.Number].Version++;
            if (!_links[other.Number, node.Number].IsUp)
            {
                continue;
            }
            if (hostIsUp && !_links[other.Number, node.Number].IsBlocked)
            {
                LoseLater(other.Number, node.Number, Delay(node.Number, other.Number));
            }
            else
            {
                LoseLater(other.Number, node.Number, _random.Next(200_000, SilenceLimit));
            }
        }
    }

    /// <summary>Messages from one member to another do not get through from now on.</summary>
    public void Block(int from, int to)
    {
        var link = _links[from, to];
        link.Blocks++;
        if (link is { IsUp: true, Blocks: 1 })
        {
            LoseLater(from, to, _random.Next(100_000, SilenceLimit), onlyIfBlocked: true);
        }
    }

    public void Unblock(int from, int to)
    {
        var link = _links[from, to];
        Invariant.Require(link.Blocks > 0, "what is unblocked was blocked");
        link.Blocks--;
    }

    /// <summary>A connection breaks, and is dialled again.</summary>
    public void Reset(int from, int to)
    {
        if (_links[from, to].IsUp)
        {
            Lose(from, to, tell: true);
        }
    }

    /// <summary>Both directions let messages through and both hosts run.</summary>
    public bool CanTalk(int one, int other) => !_links[one, other].IsBlocked && !_links[other, one].IsBlocked;

    private SimulatedNode? Find(MemberId member)
    {
        foreach (var node in _nodes)
        {
            if (node.Id == member)
            {
                return node;
            }
        }
        return null;
    }

    private void PlanDelivery(SimulatedProcess sender, SimulatedNode receiver, long boot, byte[] frame, long arrival)
    {
        var target = receiver.Process;
        var (from, fromId) = (sender.Node, sender.Node.Id);
        if (target is null || target.Boot != boot)
        {
            return;
        }
        _time.At(arrival, () =>
        {
            if (receiver.Process != target)
            {
                return;
            }
            _trace.Note(TraceEvent.Deliver, (from.Number * 64) + receiver.Number, frame);
            if (_trace.Writes)
            {
                _trace.Line($"{from.Name} → {receiver.Name}: {MessageText.Of(PeerCodec.Read(frame)!)}");
            }
            target.Events.Received(fromId, frame);
            target.Events.ReceivedAll();
        });
    }

    private void TellUpSoon(SimulatedLink link, SimulatedProcess process)
    {
        if (!_random.Chance(1, 4))
        {
            TellUp(link, process);
            return;
        }
        var version = link.Version;
        _time.After(_random.Next(LatestTold), () =>
        {
            if (link.Version == version)
            {
                TellUp(link, process);
            }
        });
    }

    private static void TellUp(SimulatedLink link, SimulatedProcess process)
    {
        if (link.IsUntold)
        {
            link.IsUntold = false;
            process.LinkUp(link.Peer, link.PeerBoot);
        }
    }

    /// <summary>Who is dialled by a process knows that this one lives, and that a link to an earlier one of its member is dead: it dials back at once.</summary>
    private void DialBack(SimulatedProcess dialler, int dialled)
    {
        var number = dialler.Node.Number;
        var back = _links[dialled, number];
        if (!back.IsUp)
        {
            PlanDial(dialled, number, Delay(dialled, number) * 2);
        }
        else if (back.PeerBoot != dialler.Boot)
        {
            Lose(dialled, number, tell: true);
        }
    }

    private void LoseLater(int from, int to, long within, bool onlyIfBlocked = false)
    {
        var link = _links[from, to];
        var version = link.Version;
        _time.After(within, () =>
        {
            if (link.Version == version && link.IsUp && (link.IsBlocked || !onlyIfBlocked))
            {
                Lose(from, to, tell: true);
            }
        });
    }

    private void Lose(int from, int to, bool tell)
    {
        var link = _links[from, to];
        link.IsUp = false;
        link.Version++;
        link.RedialMicros = ShortestRedial;
        LoseGuest(from, to);
        if (!tell || _nodes[from].Process is not { } process)
        {
            return;
        }
        _trace.Note(TraceEvent.Link, from, to);
        TellUp(link, process);
        process.Events.LinkDown(link.Peer);
        PlanDial(from, to, Delay(from, to) * 2);
    }

    /// <summary>Dials after a while: connected, refused by a host whose process is gone, or nothing heard.</summary>
    private void PlanDial(int from, int to, long within)
    {
        var link = _links[from, to];
        var version = link.Version;
        _time.After(within, () =>
        {
            if (link.Version != version || link.IsUp || _nodes[from].Process is not { } process || !Dials(process, to))
            {
                return;
            }
            if (CanTalk(from, to) && _nodes[to].Process is { } target && LetsIn(target))
            {
                if (IsTurnedAway(process, target))
                {
                    return;
                }
                link.IsUp = true;
                link.Version++;
                (link.Peer, link.PeerBoot, link.IsUntold) = (_nodes[to].Id, target.Boot, true);
                link.RedialMicros = ShortestRedial;
                link.LastArrival = Math.Max(link.LastArrival, _time.Now);
                link.LastUrgentArrival = Math.Max(link.LastUrgentArrival, _time.Now);
                link.Empty();
                _trace.Note(TraceEvent.Link, from, 100 + to);
                TellUpSoon(link, process);
                DialBack(process, to);
                InviteGuest(from, target);
                return;
            }
            if (CanTalk(from, to) && _nodes[to].HostIsUp && link.RedialMicros == ShortestRedial)
            {
                // Said once, at the first dial after the loss.
                process.Events.ProcessGone(_nodes[to].Id);
            }
            link.RedialMicros = Math.Clamp(link.RedialMicros * 2, ShortestRedial, LongestRedial);
            PlanDial(from, to, link.RedialMicros - _random.Next(link.RedialMicros / 2));
        });
    }
}
