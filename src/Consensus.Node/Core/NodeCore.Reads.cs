using Consensus.Raft;

namespace Consensus.Node.Core;

/// <summary>
/// Reads: all that arrive in one turn share one read-index round (dissertation §6.4); each is answered with an immutable view once this member
/// has applied up to the index.
/// </summary>
public sealed partial class NodeCore
{
    private readonly List<PendingRead> _newReads = [];
    private readonly Dictionary<long, (List<PendingRead> Reads, long AskedAt)> _readRounds = [];
    private readonly List<PendingRead> _readsToApply = [];

    /// <summary>Of this process alone: an answer that comes back is bound to its boot as well, by the Raft core.</summary>
    private long _lastReadContext;

    private int _readCount;

    private void Accept(PendingRead read)
    {
        if (_readCount >= _options.MaxPendingCommands)
        {
            read.Answer = new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.TooManyRequests);
            _out.AnsweredReads.Add(read);
            return;
        }
        _readCount++;
        read.DeadlineMicros = _now + _options.RequestTimeoutMicros;
        (read.NeedsReadIndex ? _newReads : _readsToApply).Add(read);
    }

    private void StartReadRound()
    {
        if (_newReads.Count == 0 || _raft.Leader.IsNone || _now < _readsRestUntil)
        {
            return;
        }
        var context = ++_lastReadContext;
        _readRounds.Add(context, (new List<PendingRead>(_newReads), _now));
        _newReads.Clear();
        _raft.ReadIndex(context);
    }

    private void OnReadState(in ReadState state)
    {
        if (!_readRounds.Remove(state.Context, out var round))
        {
            return;
        }
        if (state.Refused)
        {
            AskAgain(round.Reads);
            return;
        }
        foreach (var read in round.Reads)
        {
            read.Index = state.Index;
            _readsToApply.Add(read);
        }
    }

    /// <summary>A read changes nothing: it may always be asked again, after a short rest.</summary>
    private void AskAgain(List<PendingRead> reads)
    {
        _newReads.AddRange(reads);
        _readsRestUntil = _now + RefusedPauseMicros;
    }

    private long _readsRestUntil;

    private void FinishReads()
    {
        if (_readsToApply.Count == 0)
        {
            return;
        }
        var kept = 0;
        for (var i = 0; i < _readsToApply.Count; i++)
        {
            var read = _readsToApply[i];
            if (read.Index > _state.AppliedIndex || read.MinRevision > _state.Revision)
            {
                _readsToApply[kept++] = read;
                continue;
            }
            if (read.WantsMark && _appliedConfiguration.Voters.IsEmpty)
            {
                // A member that joined and was sent nothing yet: its state is nobody's.
                Finish(read, new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.NotReady));
                continue;
            }
            FreshenView();
            read.Mark = read.WantsMark ? AppliedMark() : null;
            Finish(read, new ReadAnswer(AnswerKind.Done, View, NotDoneReason.None));
        }
        _readsToApply.RemoveRange(kept, _readsToApply.Count - kept);
    }

    private void Finish(PendingRead read, ReadAnswer answer)
    {
        _readCount--;
        read.Answer = answer;
        _out.AnsweredReads.Add(read);
    }

    private void FreshenView()
    {
        if (View.AppliedIndex != _state.AppliedIndex)
        {
            View = _state.TakeView();
            _viewTaken = _now;
            PublishedVersion++;
        }
    }

    private void SweepReads()
    {
        SweepList(_newReads, NotDoneReason.NoLeader);
        SweepList(_readsToApply, NotDoneReason.NotReady);
        List<long>? old = null;
        foreach (var (context, round) in _readRounds)
        {
            if (_now - round.AskedAt >= _options.ElectionTimeoutMicros)
            {
                (old ??= []).Add(context);
            }
        }
        foreach (var context in old ?? [])
        {
            // The question or its answer was lost on the way; a fresh context keeps a late answer from being taken for this one.
            _readRounds.Remove(context, out var round);
            AskAgain(round.Reads);
        }
    }

    private void SweepList(List<PendingRead> reads, NotDoneReason reason)
    {
        var kept = 0;
        for (var i = 0; i < reads.Count; i++)
        {
            var read = reads[i];
            if (read.DeadlineMicros <= _now)
            {
                Finish(read, new ReadAnswer(AnswerKind.NotDone, null, reason));
            }
            else
            {
                reads[kept++] = read;
            }
        }
        reads.RemoveRange(kept, reads.Count - kept);
    }
}
