using Consensus.Exploration.Models;
using Consensus.Exploration.States;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Tests.Support.Safety;
using Consensus.Raft.Wire;

namespace Consensus.Exploration.Members;

/// <summary>
/// Every state of a member that was met, every message, and every step between two states: a cluster's states are made of these, by their numbers. So the production core takes
/// a step once, however many states of the cluster it is part of.
/// </summary>
internal sealed class Steps
{
    private readonly Model _model;
    private readonly Wiring _wiring;
    private readonly StateWriter _writer;
    private readonly ulong _seed;
    private readonly List<Member> _members = [];
    private readonly Dictionary<UInt128, int> _numbers = [];
    private readonly List<Message> _messages = [];
    private readonly Dictionary<string, int> _messageNumbers = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Member, Input Input), Outcome> _taken = [];
    private readonly WireWriter _wire = new();

    public Steps(Model model, Wiring wiring)
    {
        _model = model;
        _wiring = wiring;
        _writer = new StateWriter(new Meaning(model.Options));
        _seed = SeedOfLongWaits(model.Options);
    }

    public int Members => _members.Count;

    public int Messages => _messages.Count;

    /// <summary>How many steps the production core took.</summary>
    public int Taken => _taken.Count;

    /// <summary>States that were taken for a known one, by its number, and are other objects: tests compare what the two do. Null when nobody wants them.</summary>
    public List<(int Number, Member Twin)>? Twins { get; set; }

    public Member MemberOf(int number) => _members[number];

    public Message MessageOf(int number) => _messages[number];

    /// <summary>The state of a member when the cluster is formed.</summary>
    public int FirstOf(int member)
    {
        var host = NewHost(Make.Id(member), _model.StartOf(member), _wiring.OptionsOf(_model.Options), _model.DiskOf(member));
        return Know(new Member(host));
    }

    /// <summary>What comes of an input. Throws <see cref="BrokenPromiseException"/> or an invariant's exception when it must not come to that.</summary>
    public Outcome Take(int member, Input input)
    {
        if (!_taken.TryGetValue((member, input), out var outcome))
        {
            outcome = Work(_members[member], input);
            _taken.Add((member, input), outcome);
        }
        return outcome;
    }

    /// <summary>As <see cref="Take"/>, and works it out anew.</summary>
    public Outcome Work(Member before, Input input)
    {
        var member = input.Kind == InputKind.Restart ? Restarted(before) : StateCopier.Copy(before, _seed);
        var host = member.Host;
        var (commit, readsAsked) = (host.Node.CommitIndex, member.ReadsAsked);
        var sent = new List<int>();
        host.OnSent = message =>
        {
            if (_wiring.ChecksSteps)
            {
                SpokenIsDurable.Require(host.Disk, message);
            }
            sent.Add(NumberOf(_wiring.Leaves(host, message)));
        };
        host.OnReady = ready =>
        {
            _wiring.BeforeOutput(host);
            if (_wiring.ChecksSteps && host.Node.Role == RaftRole.Leader)
            {
                ConfigurationSteps.RequireAppended(host.Node, ready.Entries);
            }
        };
        Do(member, input);
        _wiring.AfterStep(host);
        host.OnSent = null;
        host.OnReady = null;
        CheckAppendOnly(before.Host, host);
        ReadState[] reads = [.. host.Reads];
        Entry[] committed = [.. Range(host.Node, commit)];
        host.Sent.Clear();
        host.Reads.Clear();
        host.Applied.Clear();
        return new Outcome(Know(member), [.. sent], committed, reads, member.ReadsAsked > readsAsked ? member.ReadsAsked : 0);
    }

    private void Do(Member member, Input input)
    {
        var host = member.Host;
        switch (input.Kind)
        {
            case InputKind.Hear:
                host.Step(_messages[input.Argument]);
                break;
            case InputKind.TimeOut:
                host.TickToTimeout();
                break;
            case InputKind.Lapse:
                host.Tick(host.Node.TicksUntilNextTimeout() - 1);
                break;
            case InputKind.Persist:
                host.PersistOne();
                break;
            case InputKind.Restart:
                host.Pump();
                break;
            case InputKind.Propose:
                host.Node.Propose(Make.Command(bytes: 0, new RequestId(host.Id, 1, input.Argument)), out _, out _);
                host.Pump();
                break;
            case InputKind.Read:
                Read(member);
                break;
            case InputKind.Change:
                host.Node.ProposeChange(_model.Changes[input.Argument], new RequestId(host.Id, 2, input.Argument), out _, out _);
                host.Pump();
                break;
            case InputKind.Notice:
                host.Node.ReportUnreachable(Make.Id(input.Argument));
                host.Node.ReportProcessGone(Make.Id(input.Argument));
                host.Pump();
                break;
            default:
                Invariant.Unreachable<int>(input.Kind);
                break;
        }
    }

    private void Read(Member member)
    {
        var context = ++member.ReadsAsked;
        if (!_wiring.Answers(member.Host, context))
        {
            member.Host.Node.ReadIndex(context);
        }
        member.Host.Pump();
    }

    private Member Restarted(Member before)
    {
        var disk = StateCopier.Copy(before.Host.Disk, _seed);
        disk.Crash();
        var options = _wiring.OptionsOf(_model.Options with { Boot = before.Host.Boot + 1 });
        return new Member(NewHost(before.Host.Id, _model.StartOf((int)before.Host.Id.Value), options, _wiring.Found(disk)));
    }

    private Host NewHost(MemberId id, Configuration start, RaftOptions options, Disk disk) => new(id, start, options, disk)
    {
        PersistsAtOnce = _model.PersistsAtOnce,
        SpeaksBeforeItPersists = _wiring.SpeaksBeforeItPersists,
    };

    /// <summary>A leader never cuts off or replaces what is in its log (Raft figure 3).</summary>
    private static void CheckAppendOnly(Host before, Host after)
    {
        var (old, now) = (before.Node, after.Node);
        if (old.Role != RaftRole.Leader || now.Role != RaftRole.Leader || old.Term != now.Term || before.Boot != after.Boot)
        {
            return;
        }
        foreach (var entry in Range(old, LogIndex.Zero, old.LastIndex))
        {
            BrokenPromiseException.Unless(now.Log.Holds(entry.Index, entry.Term), () => $"leader append-only: the leader of term {old.Term} lost its entry {entry.Index}");
        }
    }

    private static IEnumerable<Entry> Range(RaftNode node, LogIndex after) => Range(node, after, node.CommitIndex);

    private static IEnumerable<Entry> Range(RaftNode node, LogIndex after, LogIndex last)
    {
        for (var index = LogIndex.Max(after.Next, node.FirstIndex); index <= last; index = index.Next)
        {
            yield return node.Log[index];
        }
    }

    private int Know(Member member)
    {
        var hash = _writer.HashOf(member);
        if (!_numbers.TryGetValue(hash, out var number))
        {
            _numbers.Add(hash, number = _members.Count);
            _members.Add(member);
        }
        else
        {
            Twins?.Add((number, member));
        }
        return number;
    }

    /// <summary>A message as it is after its journey, so that every one passes through the wire format.</summary>
    private int NumberOf(Message message)
    {
        _wire.Clear();
        RaftCodec.WriteMessage(_wire, message);
        var key = Convert.ToBase64String(_wire.Written);
        if (!_messageNumbers.TryGetValue(key, out var number))
        {
            var copy = RaftCodec.ReadMessage(_wire.Written);
            Invariant.Require(copy is not null && copy.GetType() == message.GetType(), "a message is the same after its journey");
            _messageNumbers.Add(key, number = _messages.Count);
            _messages.Add(copy);
        }
        return number;
    }

    /// <summary>With every copy's draws begun anew all waits are as long as they can be, and between them there is time for less than a wait.</summary>
    private static ulong SeedOfLongWaits(RaftOptions options)
    {
        ulong seed = 1;
        while (new DeterministicRandom(seed).Next(options.ElectionTimeoutTicks, 2L * options.ElectionTimeoutTicks) < (2L * options.ElectionTimeoutTicks) - 1)
        {
            seed++;
        }
        return seed;
    }
}
