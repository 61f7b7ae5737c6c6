using Consensus.Primitives;

namespace Consensus.Raft.Reads;

/// <summary>
/// Who asked for a read index, in which process, under which number of that process. Equal contexts of different members, or of two processes of one, are
/// different questions.
/// </summary>
internal readonly record struct ReadQuestion(MemberId From, long Boot, long Context);

/// <summary>
/// The leader's read-index rounds (dissertation §6.4). Each round has a number of its own that heartbeats and appends carry and their answers
/// echo; a question belongs to the first round that starts after it was asked, so an answer to an older message can never confirm it (raft-bugs 16).
/// </summary>
/// <remarks>
/// Numbers begin at 1 in each process. That is enough: an answer is heard only in the term that it names, and a term has one leader, in one process of it. An
/// answer that an earlier process of a follower gave counts, and may: it says that at some time after the round started its member knew of no newer
/// term, and that member's term is durable before it is told and never falls, so no quorum with it in had elected another leader before.
/// </remarks>
internal sealed class ReadRounds
{
    /// <summary>Most questions that wait on one leader; past it they are refused.</summary>
    public const int MaxQuestions = 10_000;

    private readonly Queue<Round> _inFlight = new();
    private List<ReadQuestion> _waiting = [];
    private int _count;

    /// <summary>Number of the round that started last; this process never uses it again, in any term.</summary>
    public long Latest { get; private set; }

    public bool HasWaiting => _waiting.Count > 0;

    public bool HasInFlight => _inFlight.Count > 0;

    /// <summary>False when too many wait already.</summary>
    public bool Ask(ReadQuestion question)
    {
        if (_count >= MaxQuestions)
        {
            return false;
        }
        _count++;
        _waiting.Add(question);
        return true;
    }

    /// <summary>Starts a round for everything that waits, to be answered with <paramref name="commit"/>.</summary>
    public void Start(LogIndex commit)
    {
        _inFlight.Enqueue(new Round(++Latest, commit, _waiting));
        _waiting = [];
    }

    /// <summary>Takes out the oldest round if a quorum has answered it or a later one.</summary>
    public bool TryFinish(long answeredByQuorum, out LogIndex index, out IReadOnlyList<ReadQuestion> questions)
    {
        if (_inFlight.TryPeek(out var round) && round.Number <= answeredByQuorum)
        {
            _inFlight.Dequeue();
            _count -= round.Questions.Count;
            (index, questions) = (round.Index, round.Questions);
            return true;
        }
        (index, questions) = (LogIndex.Zero, []);
        return false;
    }

    /// <summary>Forgets what processes of this member other than <paramref name="boot"/> asked: nobody is there any more to take the answer.</summary>
    public void ForgetEarlier(MemberId member, long boot)
    {
        foreach (var round in _inFlight)
        {
            _count -= round.Questions.RemoveAll(IsEarlier);
        }
        _count -= _waiting.RemoveAll(IsEarlier);

        bool IsEarlier(ReadQuestion question) => question.From == member && question.Boot != boot;
    }

    /// <summary>Everything that is unanswered, oldest first; forgets it.</summary>
    public List<ReadQuestion> TakeAll()
    {
        var all = new List<ReadQuestion>(_count);
        while (_inFlight.TryDequeue(out var round))
        {
            all.AddRange(round.Questions);
        }
        all.AddRange(_waiting);
        _waiting.Clear();
        _count = 0;
        return all;
    }

    private readonly record struct Round(long Number, LogIndex Index, List<ReadQuestion> Questions);
}
