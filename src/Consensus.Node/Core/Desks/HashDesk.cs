using Consensus.Primitives;

namespace Consensus.Node.Core.Desks;

/// <summary>The state's hash at an index that an operator's check names: known, or waited for, or forgotten.</summary>
internal sealed class HashDesk(TurnContext turn) : Desk(turn)
{
    private const int MaxWaits = 1_000;

    private readonly HashHistory _hashes = new(turn.Applied.Index, turn.Applied.State.Hash);
    private readonly List<PendingHash> _waits = [];

    public void Accept(PendingHash pending)
    {
        if (pending.Index < _hashes.Oldest)
        {
            Answer(pending, AnswerKind.NotDone, NotDoneReason.None);
        }
        else if (_waits.Count >= MaxWaits)
        {
            Answer(pending, AnswerKind.NotDone, NotDoneReason.TooManyRequests);
        }
        else
        {
            pending.DeadlineMicros = Turn.Now + Turn.Options.RequestTimeoutMicros;
            _waits.Add(pending);
        }
    }

    /// <summary>The next entry was applied.</summary>
    public void Record() => _hashes.Add(Turn.Applied.State.Hash);

    public override void SnapshotInstalled(Term lastTerm) => _hashes.Restart(Turn.Applied.Index, Turn.Applied.State.Hash);

    public override void AfterApply()
    {
        if (_waits.Count > 0)
        {
            _waits.RemoveAll(TryAnswer);
        }
    }

    public override void Sweep() => _waits.RemoveAll(pending =>
    {
        if (pending.DeadlineMicros > Turn.Now)
        {
            return false;
        }
        Answer(pending, AnswerKind.NotDone, NotDoneReason.NotReady);
        return true;
    });

    public override void AnswerAll()
    {
        _waits.ForEach(pending => Answer(pending, AnswerKind.NotDone, NotDoneReason.NotReady));
        _waits.Clear();
    }

    private bool TryAnswer(PendingHash pending)
    {
        if (pending.Index > _hashes.Newest)
        {
            return false;
        }
        // It may have been jumped over by a snapshot while it was waited for.
        Answer(pending, _hashes.TryFind(pending.Index, out _) ? AnswerKind.Done : AnswerKind.NotDone, NotDoneReason.None);
        return true;
    }

    private void Answer(PendingHash pending, AnswerKind kind, NotDoneReason reason)
    {
        _hashes.TryFind(pending.Index, out var hash);
        Turn.Answer(pending, new HashAnswer(kind, pending.Index, hash, _hashes.Oldest, _hashes.Newest, reason));
    }
}
