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

    /// <summary>
    /// Members that are new start as unknown, from <paramref name="next"/>. Those that are gone are followed a little longer if they keep up, so that
    /// they learn of it from the log; others are forgotten.
    /// </summary>
    public void Follow(Configuration configuration, LogIndex next, long now)
    {
        var all = new List<Progress>(configuration.Members.Length);
        foreach (var member in configuration.Members)
        {
            if (member.Id != self)
            {
                all.Add(Find(member.Id)
                    ?? new Progress(member.Id, next, now, new Inflights(options)));
            }
        }
        foreach (var progress in _all)
        {
            if (configuration.Find(progress.Member) is null && progress.State == ProgressState.Replicate)
            {
                if (progress.LeftOutAt == LogIndex.Zero)
                {
                    progress.LeaveOut(next.Previous, now + options.ElectionTimeoutTicks);
                }
                all.Add(progress);
            }
        }
        all.Sort(static (a, b) => a.Member.CompareTo(b.Member));
        _all = [.. all];
    }

    /// <summary>Forgets those that were left out, and were told so or could not be told.</summary>
    public void ForgetLeftOut(long now)
    {
        if (Array.Exists(_all, IsDone))
        {
            _all = Array.FindAll(_all, progress => !IsDone(progress));
        }

        bool IsDone(Progress progress) =>
            progress.LeftOutAt > LogIndex.Zero
            && (progress.ToldCommit >= progress.LeftOutAt || progress.State != ProgressState.Replicate || progress.ForgottenAt <= now);
    }
}
