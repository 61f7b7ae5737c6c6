using Consensus.Exploration.Members;
using Consensus.Exploration.Models;
using Consensus.Exploration.Safety;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Tests.Support.Safety;
using Consensus.Raft.Wire;

namespace Consensus.Exploration.Search;

/// <summary>
/// The states of a cluster and the steps between them. A state is an array of numbers: each member's state, the history, what was used of the bounds, and the messages on
/// their way in rising order. Messages overtake each other as they like, and one that nobody hears is as good as lost.
/// </summary>
internal sealed class Space
{
    private const int HeartbeatsUntilAllIsTold = 3;

    private readonly Model _model;
    private readonly Bounds _bounds;
    private readonly StatePromises _promises;
    private readonly List<History> _histories = [];
    private readonly Dictionary<string, int> _historyNumbers = new(StringComparer.Ordinal);
    private readonly List<int> _onTheirWay = [];
    private readonly int _members;
    private bool _isForming;

    public Space(Model model, Bounds bounds, Wiring wiring)
    {
        _model = model;
        _bounds = bounds;
        _members = model.Members;
        Steps = new Steps(model, wiring);
        _promises = new StatePromises(Steps);
    }

    public Steps Steps { get; }

    /// <summary>All members with empty disks; or, where the model begins later, with member 1 at their head and everything told.</summary>
    public int[] Initial()
    {
        int[] state = [.. Enumerable.Range(1, _members).Select(Steps.FirstOf), NumberOf(History.Empty), 0];
        if (_model.BeginsWithLeader)
        {
            _isForming = true;
            for (var i = 0; i < HeartbeatsUntilAllIsTold; i++)
            {
                state = Settled(After(state, new Action(ActionKind.TimeOut, 0))!);
            }
            _isForming = false;
            Invariant.Require(Steps.MemberOf(state[0]).Host.Node.HasCommittedInTerm, "member 1 leads");
        }
        return state;
    }

    /// <summary>Every step that the bounds allow, in an order that the state decides.</summary>
    public void ListActions(int[] state, List<Action> actions)
    {
        actions.Clear();
        var used = Used.Of(state[_members + 1]);
        for (var at = _members + 2; at < state.Length; at++)
        {
            ListFates(state, state[at], used, actions);
        }
        for (var i = 0; i < _members; i++)
        {
            ListOwn(state, i, used, actions);
        }
    }

    /// <summary>The state after a step; null when it would send more than the bounds allow. Throws when a promise is broken.</summary>
    public int[]? After(int[] state, Action action)
    {
        var used = Used.Of(state[_members + 1]).With(action, _bounds);
        if (action.Kind == ActionKind.Lose)
        {
            return Compose(state, -1, 0, state[_members], used, [], action.Message);
        }
        var outcome = Steps.Take(state[action.Member], action.Input);
        var removed = action.Kind == ActionKind.Hear ? action.Message : -1;
        var next = Compose(state, action.Member, outcome.Next, state[_members], used, outcome.Sent, removed);
        if (next is null)
        {
            return null;
        }
        next[_members] = Remember(state, next, action, outcome);
        _promises.Check(next.AsSpan(0, _members), next[_members], _histories[next[_members]]);
        return next;
    }

    public string Describe(int[] state, Action action) => action.Describe(Steps, Steps.MemberOf(state[action.Member]).Host.Id);

    /// <summary>Everything is written and heard, in some order.</summary>
    private int[] Settled(int[] state)
    {
        while (true)
        {
            var writes = Array.FindIndex(state, 0, _members, number => Steps.MemberOf(number).Host.Disk.Waiting > 0);
            if (writes < 0 && state.Length == _members + 2)
            {
                return state;
            }
            var message = writes < 0 ? state[^1] : 0;
            state = After(state, writes < 0 ? new Action(ActionKind.Hear, (int)Steps.MessageOf(message).To.Value - 1, message) : new Action(ActionKind.Persist, writes))!;
        }
    }

    private void ListFates(int[] state, int message, Used used, List<Action> actions)
    {
        var heard = Steps.MessageOf(message);
        var to = (int)heard.To.Value - 1;
        if (!IsCampaignPastTheBound(state, to, heard))
        {
            actions.Add(new Action(ActionKind.Hear, to, message));
            if (used.Doubles < _bounds.Doubles)
            {
                actions.Add(new Action(ActionKind.HearAndKeep, to, message));
            }
        }
        if (used.Losses < _bounds.Losses || _bounds.Losses == Bounds.AnyNumber)
        {
            actions.Add(new Action(ActionKind.Lose, to, message));
        }
    }

    private void ListOwn(int[] state, int member, Used used, List<Action> actions)
    {
        var host = Steps.MemberOf(state[member]).Host;
        var node = host.Node;
        var mayWait = node.Role == RaftRole.Leader || node.Term.Value < _bounds.Term;
        if (mayWait)
        {
            actions.Add(new Action(ActionKind.TimeOut, member));
        }
        if (mayWait && _bounds.Lapses && node.TicksUntilNextTimeout() > 1)
        {
            actions.Add(new Action(ActionKind.Lapse, member));
        }
        if (host.Disk.Waiting > 0)
        {
            actions.Add(new Action(ActionKind.Persist, member));
        }
        if (used.Restarts < _bounds.Restarts)
        {
            actions.Add(new Action(ActionKind.Restart, member));
        }
        if (node.Role == RaftRole.Leader && used.Proposals < _bounds.Proposals)
        {
            actions.Add(new Action(ActionKind.Propose, member, used.Proposals + 1));
        }
        if (node.Role == RaftRole.Leader && used.Changes < Math.Min(_bounds.Changes, _model.Changes.Count))
        {
            actions.Add(new Action(ActionKind.Change, member, used.Changes));
        }
        if (!node.Leader.IsNone && used.Reads < _bounds.Reads)
        {
            actions.Add(new Action(ActionKind.Read, member));
        }
        if (node.Role == RaftRole.Follower && !node.Leader.IsNone && used.Notices < _bounds.Notices && node.Term.Value < _bounds.Term)
        {
            actions.Add(new Action(ActionKind.Notice, member, (int)node.Leader.Value));
        }
    }

    private bool IsCampaignPastTheBound(int[] state, int to, Message message) =>
        message is TimeoutNowRequest or PreVoteResponse { Granted: true } && Steps.MemberOf(state[to]).Host.Node.Term.Value >= _bounds.Term;

    /// <summary>What the promises remember of this step.</summary>
    private int Remember(int[] state, int[] next, Action action, Outcome outcome)
    {
        var before = _histories[state[_members]];
        var host = Steps.MemberOf(outcome.Next).Host;
        var history = action.Kind == ActionKind.Restart ? before.Restarts(host.Id) : before;
        if (outcome.AskedContext > 0)
        {
            history = history.Asks(host.Id, outcome.AskedContext);
        }
        if (host.Node.Role == RaftRole.Leader)
        {
            history = history.Leads(host.Id, host.Node.Term);
        }
        foreach (var entry in outcome.Committed)
        {
            history = history.Commits(host.Id, host.Node.Term, entry, out var isNew);
            if (isNew)
            {
                CheckDurable(next, entry);
            }
        }
        foreach (var answer in outcome.Reads)
        {
            history = history.Answered(host.Id, answer);
        }
        return ReferenceEquals(history, before) ? state[_members] : NumberOf(history);
    }

    /// <summary>
    /// What is committed is on the disks of a quorum: of the configuration that the entry stands under in some member's log, or of a later one there. Which one a core counts by is not
    /// asked: the log says it (Raft §6).
    /// </summary>
    private void CheckDurable(int[] next, Entry entry)
    {
        for (var i = 0; i < _members; i++)
        {
            var node = Steps.MemberOf(next[i]).Host.Node;
            if (node.Log.Holds(entry.Index, entry.Term) && ConfigurationsSince(node, i + 1, entry.Index).Any(c => DiskQuorum.Holds(c, DiskOf, entry)))
            {
                return;
            }
        }
        throw new BrokenPromiseException($"durability: entry {entry.Index} of term {entry.Term} counts as committed, and no quorum has it on disk");

        Disk DiskOf(MemberId member) => Steps.MemberOf(next[(int)member.Value - 1]).Host.Disk;
    }

    private List<Configuration> ConfigurationsSince(RaftNode node, int member, LogIndex at)
    {
        List<Configuration> since = [_model.StartOf(member)];
        for (var index = node.FirstIndex; index <= node.LastIndex; index = index.Next)
        {
            if (node.Log[index].Kind != EntryKind.Configuration)
            {
                continue;
            }
            if (index <= at)
            {
                since.Clear();
            }
            since.Add(RaftCodec.ReadConfiguration(node.Log[index].Payload.Span));
        }
        return since;
    }

    /// <summary>The same state but for one member and the messages. A message that can change nothing any more is not kept, nor is a second copy of one.</summary>
    private int[]? Compose(int[] state, int member, int memberState, int history, Used used, int[] sent, int removed)
    {
        Span<int> members = stackalloc int[_members];
        state.AsSpan(0, _members).CopyTo(members);
        if (member >= 0)
        {
            members[member] = memberState;
        }
        _onTheirWay.Clear();
        for (var at = _members + 2; at < state.Length; at++)
        {
            if (state[at] != removed)
            {
                Keep(members, state[at]);
            }
        }
        foreach (var number in sent)
        {
            Keep(members, number);
        }
        if (!_isForming && _onTheirWay.Count + HeldBack(members) > _bounds.OnTheirWay)
        {
            return null;
        }
        _onTheirWay.Sort();
        var next = new int[_members + 2 + _onTheirWay.Count];
        members.CopyTo(next);
        next[_members] = history;
        next[_members + 1] = used.Packed;
        _onTheirWay.CopyTo(next, _members + 2);
        return next;
    }

    private void Keep(ReadOnlySpan<int> members, int message)
    {
        if (!_onTheirWay.Contains(message) && !IsSpent(members, Steps.MessageOf(message)))
        {
            _onTheirWay.Add(message);
        }
    }

    /// <summary>Messages that leave as soon as a disk is done: they are as good as on their way.</summary>
    private int HeldBack(ReadOnlySpan<int> members)
    {
        var count = 0;
        foreach (var number in members)
        {
            count += Steps.MemberOf(number).Host.Held;
        }
        return count;
    }

    /// <summary>
    /// True for an answer of a term that its receiver has left for ever, since a later one is on its disk: <see cref="RaftNode.Step"/> drops it without a word, now and at any later
    /// time. It does so by the term alone.
    /// </summary>
    private bool IsSpent(ReadOnlySpan<int> members, Message message)
    {
        var kept = Steps.MemberOf(members[(int)message.To.Value - 1]).Host.Disk.HardState.Term;
        return message switch
        {
            VoteResponse or AppendResponse or HeartbeatResponse or ReadIndexResponse => message.Term < kept,
            PreVoteResponse { Granted: true } => message.Term <= kept,
            _ => false,
        };
    }

    private int NumberOf(History history)
    {
        var key = history.Key;
        if (!_historyNumbers.TryGetValue(key, out var number))
        {
            _historyNumbers.Add(key, number = _histories.Count);
            _histories.Add(history);
        }
        return number;
    }
}
