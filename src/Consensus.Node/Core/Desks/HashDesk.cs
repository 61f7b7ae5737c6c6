using Consensus.Primitives;
using Consensus.StateMachine;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// The state at an index that an operator's check names. Its hash: known, or waited for, or forgotten. A view of it: taken when exactly that is applied, between two entries of a
/// turn, or never.
/// </summary>
internal sealed class HashDesk(TurnContext turn) : Desk(turn)
{
    private const int MaxWaits = 1_000;

    /// <summary>Each may be of another index, and costs the writes after it copies of what they touch.</summary>
    private const int MaxViewWaits = 16;

    private readonly HashHistory _hashes = new(turn.Applied.Index, turn.Applied.State.Hash);
    private readonly List<PendingHash> _waits = [];
    private readonly List<PendingView> _viewWaits = [];

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

    public void Accept(PendingView pending)
    {
        if (pending.Index <= Turn.Applied.Index)
        {
            TakeView(pending);
        }
        else if (_viewWaits.Count >= MaxViewWaits)
        {
            Turn.Answer(pending, new ViewAnswer(AnswerKind.NotDone, null, Turn.Applied.Index, NotDoneReason.TooManyRequests));
        }
        else
        {
            pending.DeadlineMicros = Turn.Now + Turn.Options.RequestTimeoutMicros;
            _viewWaits.Add(pending);
        }
    }

    /// <summary>The next entry was applied.</summary>
    public void Record()
    {
        _hashes.Add(Turn.Applied.State.Hash);
        TakeViews();
    }

    public override void SnapshotInstalled(Term lastTerm)
    {
        _hashes.Restart(Turn.Applied.Index, Turn.Applied.State.Hash);
        TakeViews();
    }

    public override void AfterApply()
    {
        if (_waits.Count > 0)
        {
            _waits.RemoveAll(TryAnswer);
        }
    }

    public override void Sweep()
    {
        _waits.RemoveAll(pending =>
        {
            if (pending.DeadlineMicros > Turn.Now)
            {
                return false;
            }
            Answer(pending, AnswerKind.NotDone, NotDoneReason.NotReady);
            return true;
        });
        _viewWaits.RemoveAll(pending =>
        {
            if (pending.DeadlineMicros > Turn.Now)
            {
                return false;
            }
            GiveUp(pending);
            return true;
        });
    }

    public override void AnswerAll()
    {
        _waits.ForEach(pending => Answer(pending, AnswerKind.NotDone, NotDoneReason.NotReady));
        _waits.Clear();
        _viewWaits.ForEach(GiveUp);
        _viewWaits.Clear();
    }

    private void TakeViews()
    {
        if (_viewWaits.Count > 0)
        {
            _viewWaits.RemoveAll(pending =>
            {
                if (pending.Index > Turn.Applied.Index)
                {
                    return false;
                }
                TakeView(pending);
                return true;
            });
        }
    }

    /// <summary>Of this very index, or it is passed.</summary>
    private void TakeView(PendingView pending)
    {
        StateView? view = null;
        if (pending.Index == Turn.Applied.Index)
        {
            Turn.Applied.FreshenView(Turn.Now);
            view = Turn.Applied.View;
        }
        Turn.Answer(pending, new ViewAnswer(view is null ? AnswerKind.NotDone : AnswerKind.Done, view, Turn.Applied.Index, NotDoneReason.None));
    }

    private void GiveUp(PendingView pending) =>
        Turn.Answer(pending, new ViewAnswer(AnswerKind.NotDone, null, Turn.Applied.Index, NotDoneReason.NotReady));

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
