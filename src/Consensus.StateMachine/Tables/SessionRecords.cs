using Consensus.Primitives;
using Consensus.StateMachine.Trees;

namespace Consensus.StateMachine.Tables;

/// <summary>A session: what a lease has beside it when its client numbers its requests.</summary>
/// <param name="Principal">Whose it is: nobody else's requests are judged by it.</param>
/// <param name="Acked">It only rises: no answer up to this number is kept, and none of them is taken any more.</param>
/// <param name="Highest">The highest number that was taken.</param>
/// <param name="Version">It rises whenever a hold or a place under the session begins or ends.</param>
/// <param name="Forgotten">What ended up to this version is remembered no more.</param>
/// <param name="Claimed">The version when it was heard of last: what began up to this one its client may know of, whether or not the answer came.</param>
/// <param name="Ends">That are remembered.</param>
/// <param name="Answers">That are kept.</param>
/// <param name="AnswerBytes">What they take in memory, as counted for their bound.</param>
internal sealed record SessionRecord(LeaseId Id, string Principal, long Acked, long Highest, long Version, long Forgotten, long Claimed, int Ends, int Answers, long AnswerBytes)
{
    public long Bytes => BytesOf(Principal);

    /// <summary>What a session takes in memory without its answers, about.</summary>
    public static long BytesOf(string principal) => 256 + (2L * principal.Length);
}

/// <summary>What a number of a session came to: what it did, or the answer that changed nothing. Exactly one of the two is there.</summary>
internal sealed record NumberAnswer(KeptOutcome? Done, BriefAnswer? Nothing)
{
    public ReadOnlyMemory<byte> Fingerprint => Done?.Fingerprint ?? Nothing!.Fingerprint;

    /// <summary>It was fenced before anything came of it.</summary>
    public bool IsFenced => Nothing is { IsWithdrawn: true };

    public long Bytes => 64 + (Done?.Bytes ?? Nothing!.Bytes);
}

/// <summary>The news of one session stand together, in the order of its versions.</summary>
internal readonly record struct SessionVersion(LeaseId Session, long Version) : IComparable<SessionVersion>
{
    public int CompareTo(SessionVersion other)
    {
        var bySession = Session.CompareTo(other.Session);
        return bySession != 0 ? bySession : Version.CompareTo(other.Version);
    }
}

/// <summary>A hold or a place that ended.</summary>
internal sealed record SessionEnded(SessionPart Part, SessionEnd Reason)
{
    /// <summary>What it takes in memory, about.</summary>
    public long Bytes => 160 + Part.Object.Name.Length;
}

/// <summary>A session with the end of one hold that may not be held for ever: the first to come is the first of its session.</summary>
internal readonly record struct SessionDue(LeaseId Session, ClusterTime Until, FencingToken Token) : IComparable<SessionDue>
{
    public int CompareTo(SessionDue other)
    {
        var bySession = Session.CompareTo(other.Session);
        if (bySession != 0)
        {
            return bySession;
        }
        var byTime = Until.CompareTo(other.Until);
        return byTime != 0 ? byTime : Token.CompareTo(other.Token);
    }
}

internal readonly record struct SessionsView(
    FrozenTree<LeaseId, SessionRecord> Sessions,
    FrozenTree<SessionNumber, NumberAnswer> Answers,
    FrozenTree<SessionVersion, SessionEnded> Ended,
    FrozenTree<SessionVersion, SessionPart> Parts,
    FrozenTree<SessionDue, bool> Dues);
