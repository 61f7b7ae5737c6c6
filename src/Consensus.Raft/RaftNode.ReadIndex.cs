using Consensus.Primitives;
using Consensus.Raft.Quorum;
using Consensus.Raft.Reads;
using Consensus.Raft.Tracker;

namespace Consensus.Raft;

/// <summary>Linearizable reads without a log entry. Dissertation §6.4.</summary>
public sealed partial class RaftNode
{
    /// <summary>Election timeouts after which a follower takes a question to the leader for lost.</summary>
    private const int ForwardedReadTimeouts = 2;

    /// <summary>Starts a read-index round for all reads gathered under <paramref name="context"/>; answered by a <see cref="ReadState"/>.</summary>
    public void ReadIndex(long context)
    {
        if (Role == RaftRole.Leader)
        {
            if (!_rounds.Ask(new ReadQuestion(Self, _options.Boot, context)))
            {
                _reads.Add(new ReadState(context, LogIndex.Zero, Refused: true));
            }
        }
        else if (Leader.IsNone || !_forwarded.Add(context, _now))
        {
            _reads.Add(new ReadState(context, LogIndex.Zero, Refused: true));
        }
        else
        {
            _messages.Add(new ReadIndexRequest(Self, Leader, Term, context) { Boot = _options.Boot });
        }
    }

    private void OnReadIndexRequest(ReadIndexRequest request)
    {
        var question = new ReadQuestion(request.From, request.Boot, request.Context);
        if (Role != RaftRole.Leader || !_rounds.Ask(question))
        {
            Refuse(question);
        }
    }

    private void OnReadIndexResponse(ReadIndexResponse response)
    {
        if (response.Boot == _options.Boot && response.From == Leader && Role == RaftRole.Follower && _forwarded.Remove(response.Context))
        {
            _reads.Add(new ReadState(response.Context, response.Index, response.Refused));
        }
    }

    /// <summary>Questions wait until this leader knows what is committed (raft-bugs 15).</summary>
    private bool CanStartRound => HasCommittedInTerm && _rounds.HasWaiting;

    /// <summary>
    /// Starts a round at once for what was asked in this turn, however many are under way: a question never waits for somebody else's round. Heartbeats
    /// carry it, since an append's answer waits for a disk.
    /// </summary>
    private void StartRound()
    {
        _rounds.Start(CommitIndex);
        foreach (var progress in _progress.All)
        {
            if (Configuration.IsVoter(progress.Member))
            {
                SendHeartbeat(progress);
            }
        }
        FinishRounds();
    }

    /// <summary>A round that was never started is not believed.</summary>
    private void AnswerRound(Progress progress, long round)
    {
        if (round > progress.AnsweredRound && round <= _rounds.Latest)
        {
            progress.AnsweredRound = round;
            FinishRounds();
        }
    }

    private void FinishRounds()
    {
        if (!_rounds.HasInFlight)
        {
            return;
        }
        var answered = JointQuorum.Reached(Configuration, new Answered(this));
        while (_rounds.TryFinish(answered, out var index, out var questions))
        {
            for (var i = 0; i < questions.Count; i++)
            {
                Answer(questions[i], index);
            }
        }
    }

    private void Answer(ReadQuestion question, LogIndex index)
    {
        if (question.From == Self)
        {
            _reads.Add(new ReadState(question.Context, index, Refused: false));
            return;
        }
        _messages.Add(new ReadIndexResponse(Self, question.From, Term, question.Context, index, Refused: false) { Boot = question.Boot });
        if (_progress.Find(question.From) is { } progress)
        {
            // Its reads wait until it has applied that far; an idle follower would learn of the commit index only at the next heartbeat.
            progress.HurryThrough = LogIndex.Max(progress.HurryThrough, index);
        }
    }

    private void Refuse(ReadQuestion question)
    {
        if (question.From == Self)
        {
            _reads.Add(new ReadState(question.Context, LogIndex.Zero, Refused: true));
        }
        else
        {
            SendWhenDurable(new ReadIndexResponse(Self, question.From, Term, question.Context, LogIndex.Zero, Refused: true) { Boot = question.Boot });
        }
    }

    private void RefuseRounds()
    {
        foreach (var question in _rounds.TakeAll())
        {
            Refuse(question);
        }
    }

    private void RefuseForwardedReads()
    {
        while (_forwarded.TryTakeAskedBy(Never, out var context))
        {
            _reads.Add(new ReadState(context, LogIndex.Zero, Refused: true));
        }
    }

    private void ExpireForwardedReads()
    {
        while (_forwarded.TryTakeAskedBy(_now - ((long)ForwardedReadTimeouts * _options.ElectionTimeoutTicks), out var context))
        {
            _reads.Add(new ReadState(context, LogIndex.Zero, Refused: true));
        }
    }

    private readonly struct Answered(RaftNode node) : IReached
    {
        public long Of(MemberId voter) =>
            voter == node.Self ? Never : node._progress.Find(voter)?.AnsweredRound ?? 0;
    }
}
