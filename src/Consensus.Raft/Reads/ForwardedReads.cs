namespace Consensus.Raft.Reads;

/// <summary>Contexts that a follower asked the present leader about, oldest first. An answer to anything else is ignored.</summary>
internal sealed class ForwardedReads
{
    private readonly List<(long Context, long AskedAt)> _asked = [];

    /// <summary>False when too many wait already.</summary>
    public bool Add(long context, long now)
    {
        if (_asked.Count >= ReadRounds.MaxQuestions)
        {
            return false;
        }
        _asked.Add((context, now));
        return true;
    }

    /// <summary>True when this context was asked and not answered before.</summary>
    public bool Remove(long context)
    {
        for (var i = 0; i < _asked.Count; i++)
        {
            if (_asked[i].Context == context)
            {
                _asked.RemoveAt(i);
                return true;
            }
        }
        return false;
    }

    /// <summary>Takes out the oldest one if it was asked at or before <paramref name="tick"/>.</summary>
    public bool TryTakeAskedBy(long tick, out long context)
    {
        if (_asked.Count > 0 && _asked[0].AskedAt <= tick)
        {
            context = _asked[0].Context;
            _asked.RemoveAt(0);
            return true;
        }
        context = 0;
        return false;
    }
}
