using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;
using Consensus.Raft.Tests.Support.Safety;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Tests.Simulation;

/// <summary>
/// Sees everything that any member does, and knows what must never happen (Raft figure 3): two leaders in a term, logs that differ below a common
/// entry, a committed entry that changes or that a leader lacks, an acknowledgement of what is not on disk, a stale read.
/// </summary>
internal sealed class SafetyChecker
{
    private readonly Dictionary<MemberId, Host> _hosts = [];
    private readonly Dictionary<MemberId, (Configuration Before, Configuration Now)> _inForce = [];
    private readonly Dictionary<Term, MemberId> _leaders = [];
    private readonly Dictionary<(LogIndex, Term), (Term PreviousTerm, RequestId Request)> _entries = [];
    private readonly List<Entry> _committed = [];

    /// <summary>The highest index that any member handed out as committed: an answer may have been given for everything up to it.</summary>
    public LogIndex Committed => new(_committed.Count);

    public int Elections => _leaders.Count;

    /// <summary>The last configuration that was committed; null before the first change.</summary>
    public Configuration? Configuration { get; private set; }

    public int Changes { get; private set; }

    public void Watch(Host host)
    {
        _hosts.Add(host.Id, host);
        _inForce.Add(host.Id, (host.Node.Configuration, host.Node.Configuration));
        host.OnReady = ready => OnReady(host, ready);
        host.OnSent = message => SpokenIsDurable.Require(host.Disk, message);
    }

    public void OnReadAnswered(in ReadState read, LogIndex committedWhenAsked) =>
        Invariant.Require(read.Refused || read.Index >= committedWhenAsked, "a read sees everything that was committed before it was asked");

    private void OnReady(Host host, Ready ready)
    {
        if (host.Node.Role == RaftRole.Leader)
        {
            CheckLeader(host);
        }
        if (!ReferenceEquals(_inForce[host.Id].Now, host.Node.Configuration))
        {
            _inForce[host.Id] = (_inForce[host.Id].Now, host.Node.Configuration);
        }
        foreach (var entry in ready.Entries)
        {
            var known = host.Node.Log.TryGetTerm(entry.Index.Previous, out var previousTerm);
            Invariant.Require(known, "the entry before a new one is in the log");
            var key = (entry.Index, entry.Term);
            if (!_entries.TryAdd(key, (previousTerm, entry.Request)))
            {
                Invariant.Require(_entries[key] == (previousTerm, entry.Request), "logs with a common entry are equal up to it");
            }
        }
        if (host.Node.Role == RaftRole.Leader)
        {
            ConfigurationSteps.RequireAppended(host.Node, ready.Entries);
        }
        foreach (var entry in ready.Committed)
        {
            OnCommitted(entry);
        }
    }

    private void CheckLeader(Host host)
    {
        var node = host.Node;
        if (!_leaders.TryAdd(node.Term, host.Id))
        {
            Invariant.Require(_leaders[node.Term] == host.Id, "a term has at most one leader");
            return;
        }
        if (_committed.Count > 0)
        {
            var last = _committed[^1];
            var holds = last.Index < node.FirstIndex || node.Log.Holds(last.Index, last.Term);
            Invariant.Require(holds, "a new leader holds every committed entry");
        }
    }

    private void OnCommitted(Entry entry)
    {
        if (entry.Index.Value <= _committed.Count)
        {
            var first = _committed[(int)entry.Index.Value - 1];
            Invariant.Require(first.Term == entry.Term && first.Request == entry.Request, "a committed entry never changes");
            return;
        }
        Invariant.Require(entry.Index.Value == _committed.Count + 1, "entries are committed in order");
        Invariant.Require(_committed.Count == 0 || entry.Stamp >= _committed[^1].Stamp, "stamps never decrease along the log");
        Invariant.Require(_inForce.Values.Any(c => DiskQuorum.Holds(c.Now, DiskOf, entry) || DiskQuorum.Holds(c.Before, DiskOf, entry)), "a committed entry is on the disks of a quorum");
        _committed.Add(entry);
        if (entry.Kind == EntryKind.Configuration)
        {
            OnConfigurationCommitted(RaftCodec.ReadConfiguration(entry.Payload.Span));
        }
    }

    private void OnConfigurationCommitted(Configuration next)
    {
        var before = Configuration;
        Configuration = next;
        Changes++;
        if (before is not null)
        {
            ConfigurationSteps.RequireCommitted(before, next);
        }
    }

    private Disk DiskOf(MemberId member) => _hosts[member].Disk;
}
