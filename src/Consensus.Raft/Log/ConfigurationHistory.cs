using Consensus.Primitives;
using Consensus.Raft.Wire;

namespace Consensus.Raft.Log;

/// <summary>
/// The configurations that the log holds. The last one is in force from the moment it is appended; when it is cut off, the one before it comes
/// back (Raft §6).
/// </summary>
internal sealed class ConfigurationHistory(Configuration initial)
{
    private readonly List<(LogIndex Index, Configuration Configuration)> _changes = [];
    private Configuration _initial = initial;

    public Configuration Current => _changes.Count > 0 ? _changes[^1].Configuration : _initial;

    public void Append(Entry entry) => _changes.Add((entry.Index, RaftCodec.ReadConfiguration(entry.Payload.Span)));

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
}
