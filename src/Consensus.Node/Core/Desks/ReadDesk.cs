using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Node.Core.Desks;

/// <summary>
/// Reads share read-index rounds (dissertation §6.4): what comes while one is on its way goes with the next, which starts when that one is back. Each read is answered with an
/// immutable view once this member has applied up to the index of its round.
/// </summary>
/// <param name="firstContext">Contexts count up from here. They are this process's alone: an answer that comes back is bound to its boot as well, by the Raft core.</param>
internal sealed class ReadDesk(TurnContext turn, long firstContext) : Desk(turn)
{
    /// <summary>
    /// A round that is not back by now holds up no reads but its own: the next starts all the same. Where the way to the others is long, that many rounds are on it at once.
    /// </summary>
    private const long GatherMicros = 1000;

    private readonly List<PendingRead> _new = [];
    private readonly Dictionary<long, Round> _rounds = [];
    private readonly List<PendingRead> _toApply = [];
    private long _lastContext = firstContext;
    private long _lastAskedAt;
    private long _restsUntil;
    private int _count;

    public override long NextDue =>
        _new.Count == 0 || !Turn.ReachesLeader ? long.MaxValue
        : Gathers ? Math.Max(_restsUntil, _lastAskedAt + GatherMicros)
        : Turn.Soon(_restsUntil);

    private bool Gathers => Turn.Now < _lastAskedAt + GatherMicros && _rounds.ContainsKey(_lastContext);

    public void Accept(PendingRead read)
    {
        if (read.Stage == PendingStage.Answered)
        {
            return;
        }
        if (_count >= Turn.Options.MaxPendingCommands && !read.IsInternal)
        {
            Turn.Answer(read, new ReadAnswer(AnswerKind.NotDone, null, NotDoneReason.TooManyRequests));
            return;
        }
        _count++;
        read.DeadlineMicros = Turn.Now + Turn.Options.RequestTimeoutMicros;
        (read.NeedsReadIndex ? _new : _toApply).Add(read);
    }

    /// <summary>Whoever asked went away. The lists that it stands in are rid of it when they are gone through next.</summary>
    public void OnReaderGone(PendingRead read)
    {
        if (read.Stage != PendingStage.Answered)
        {
            GiveUp(read, NotDoneReason.Cancelled);
        }
    }

    public override void LeaderChanged() => _restsUntil = 0;

    /// <summary>A question over a link that closed is not waited for: it is asked again, at once if another link stands.</summary>
    public override void LinkChanged(MemberId peer)
    {
        if (peer != Turn.Raft.Leader)
        {
            return;
        }
        foreach (var round in _rounds.Values)
        {
            _new.AddRange(round.Reads);
        }
        _rounds.Clear();
        _restsUntil = 0;
    }

    public override void Send()
    {
        if (_new.Count == 0 || !Turn.ReachesLeader || Turn.Now < _restsUntil || Gathers)
        {
            return;
        }
        _new.RemoveAll(IsAnswered);
        if (_new.Count == 0)
        {
            return;
        }
        var context = ++_lastContext;
        _lastAskedAt = Turn.Now;
        _rounds.Add(context, new Round([.. _new], Turn.Now));
        _new.Clear();
        Turn.Raft.ReadIndex(context);
    }

    /// <summary>A round is back.</summary>
    public void OnReadState(in ReadState state)
    {
        if (!_rounds.Remove(state.Context, out var round))
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
            _toApply.Add(read);
        }
    }

    public override void AfterApply()
    {
        var kept = 0;
        for (var i = 0; i < _toApply.Count; i++)
        {
            var read = _toApply[i];
            if (IsAnswered(read))
            {
                continue;
            }
            if (read.Index > Turn.Applied.Index || read.MinRevision > Turn.Applied.State.Revision)
            {
                _toApply[kept++] = read;
                continue;
            }
            if (read.WantsMark && Turn.Applied.Configuration.Voters.IsEmpty)
            {
                // A member that joined and was sent nothing yet: its state is nobody's.
                GiveUp(read, NotDoneReason.NotReady);
                continue;
            }
            Turn.Applied.FreshenView(Turn.Now);
            read.Mark = read.WantsMark ? Turn.Applied.Mark : null;
            Answer(read, new ReadAnswer(AnswerKind.Done, Turn.Applied.View, NotDoneReason.None));
        }
        _toApply.RemoveRange(kept, _toApply.Count - kept);
    }

    public override void Sweep()
    {
        SweepList(_new, NotDoneReason.NoLeader);
        SweepList(_toApply, NotDoneReason.NotReady);
        List<long>? old = null;
        foreach (var (context, round) in _rounds)
        {
            if (Turn.Now - round.AskedAt >= Turn.Options.ElectionTimeoutMicros)
            {
                (old ??= []).Add(context);
            }
        }
        foreach (var context in old ?? [])
        {
            // The question or its answer was lost on the way; a fresh context keeps a late answer from being taken for this one.
            _rounds.Remove(context, out var round);
            AskAgain(round.Reads);
        }
    }

    public override void AnswerAll()
    {
        foreach (var read in _new.Concat(_toApply).Concat(_rounds.Values.SelectMany(round => round.Reads)).Where(read => !IsAnswered(read)))
        {
            GiveUp(read, NotDoneReason.NotReady);
        }
        _new.Clear();
        _toApply.Clear();
        _rounds.Clear();
    }

    /// <summary>A read changes nothing: it may always be asked again, after a short rest.</summary>
    private void AskAgain(List<PendingRead> reads)
    {
        _new.AddRange(reads);
        _restsUntil = Turn.Now + TurnContext.RefusedPauseMicros;
    }

    private void SweepList(List<PendingRead> reads, NotDoneReason reason) => reads.RemoveAll(read =>
    {
        if (IsAnswered(read))
        {
            return true;
        }
        if (read.DeadlineMicros > Turn.Now)
        {
            return false;
        }
        GiveUp(read, reason);
        return true;
    });

    private static bool IsAnswered(PendingRead read) => read.Stage == PendingStage.Answered;

    private void GiveUp(PendingRead read, NotDoneReason reason) => Answer(read, new ReadAnswer(AnswerKind.NotDone, null, reason));

    private void Answer(PendingRead read, in ReadAnswer answer)
    {
        _count--;
        Turn.Answer(read, answer);
    }

    /// <param name="AskedAt">Loop time.</param>
    private readonly record struct Round(List<PendingRead> Reads, long AskedAt);
}
