using Consensus.Primitives;

namespace Consensus.Raft.Tracker;

/// <summary>The leader's view of every other member, sorted by id; empty on everyone else.</summary>
internal sealed class ProgressTracker(MemberId self, RaftOptions options)
{
    private Progress[] _all = [];

    public ReadOnlySpan<Progress> All => _all;

    public Progress? Find(MemberId member)
    {
        foreach (var progress in _all)
        {
            if (progress.Member == member)
            {
                return progress;
            }
        }
        return null;
    }

    public void Clear() => _all = [];

    /// <summary>Members that are new start as unknown, from <paramref name="next"/>; those that are gone are forgotten.</summary>
    public void Follow(Configuration configuration, LogIndex next, long now)
    {
        var all = new List<Progress>(configuration.Members.Length);
        foreach (var member in configuration.Members)
        {
            if (member.Id != self)
            {
                all.Add(Find(member.Id)
                    ?? new Progress(member.Id, next, now, new Inflights(options.MaxInflightAppends, options.MaxInflightBytes)));
            }
        }
        _all = [.. all];
    }
}
