using Consensus.Primitives;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Log;

/// <summary>
/// The configurations that the log holds. The last one is in force from the moment it is appended; when it is cut off, the one before it comes
/// back (Raft §6).
/// </summary>
internal sealed class ConfigurationHistory(Configuration initial)
{
    private readonly List<Change> _changes = [];
    private Configuration _initial = initial;

    public Configuration Current => _changes.Count > 0 ? _changes[^1].Configuration : _initial;

    /// <summary>Index of the entry that holds <see cref="Current"/>; 0 when it is older than the log in memory, and so committed.</summary>
    public LogIndex CurrentIndex => _changes.Count > 0 ? _changes[^1].Index : LogIndex.Zero;

    /// <summary>Who asked for <see cref="Current"/>; <see cref="RequestId.None"/> when nobody did, or it is older than the log in memory.</summary>
    public RequestId CurrentRequest => _changes.Count > 0 ? _changes[^1].Request : RequestId.None;

    /// <summary>Whether <paramref name="member"/> votes in the configuration in force at <paramref name="index"/> or in any later one.</summary>
    public bool IsVoterSince(LogIndex index, MemberId member)
    {
        for (var i = _changes.Count - 1; i >= 0; i--)
        {
            if (_changes[i].Configuration.IsVoter(member))
            {
                return true;
            }
            if (_changes[i].Index <= index)
            {
                return false;
            }
        }
        return _initial.IsVoter(member);
    }

    public void Append(Entry entry) => _changes.Add(new Change(entry.Index, RaftCodec.ReadConfiguration(entry.Payload.Span), entry.Request));

    /// <summary>True when the configuration in force changed.</summary>
    public bool TruncateAfter(LogIndex index)
    {
        var before = _changes.Count;
        while (_changes.Count > 0 && _changes[^1].Index > index)
        {
            _changes.RemoveAt(_changes.Count - 1);
        }
        return _changes.Count != before;
    }

    public void CompactThrough(LogIndex index)
    {
        var compacted = 0;
        while (compacted < _changes.Count && _changes[compacted].Index <= index)
        {
            _initial = _changes[compacted++].Configuration;
        }
        _changes.RemoveRange(0, compacted);
    }

    public void Reset(Configuration configuration)
    {
        _changes.Clear();
        _initial = configuration;
    }

    private readonly record struct Change(LogIndex Index, Configuration Configuration, RequestId Request);
}
