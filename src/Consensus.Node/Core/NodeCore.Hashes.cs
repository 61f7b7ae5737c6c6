namespace Consensus.Node.Core;

/// <summary>The state's hash at an index that an operator's check names: known, or waited for, or forgotten.</summary>
public sealed partial class NodeCore
{
    private const int MaxHashWaits = 1_000;

    private readonly HashHistory _hashes;
    private readonly List<(HashInput Input, long DeadlineMicros)> _hashWaits = [];

    private void Accept(HashInput input)
    {
        if (input.Index < _hashes.Oldest)
        {
            Answer(input, AnswerKind.NotDone, NotDoneReason.None);
        }
        else if (_hashWaits.Count >= MaxHashWaits)
        {
            Answer(input, AnswerKind.NotDone, NotDoneReason.TooManyRequests);
        }
        else
        {
            _hashWaits.Add((input, _now + _options.RequestTimeoutMicros));
        }
    }

    private void FinishHashes()
    {
        if (_hashWaits.Count > 0)
        {
            _hashWaits.RemoveAll(wait => TryAnswer(wait.Input));
        }
    }

    private bool TryAnswer(HashInput input)
    {
        if (input.Index > _hashes.Newest)
        {
            return false;
        }
        // It may have been jumped over by a snapshot while it was waited for.
        Answer(input, _hashes.TryFind(input.Index, out _) ? AnswerKind.Done : AnswerKind.NotDone, NotDoneReason.None);
        return true;
    }

    private void SweepHashes() => _hashWaits.RemoveAll(wait =>
    {
        if (wait.DeadlineMicros > _now)
        {
            return false;
        }
        Answer(wait.Input, AnswerKind.NotDone, NotDoneReason.NotReady);
        return true;
    });

    private void AnswerAllHashes()
    {
        foreach (var (input, _) in _hashWaits)
        {
            Answer(input, AnswerKind.NotDone, NotDoneReason.NotReady);
        }
        _hashWaits.Clear();
    }

    private void Answer(HashInput input, AnswerKind kind, NotDoneReason reason)
    {
        _hashes.TryFind(input.Index, out var hash);
        var answer = new HashAnswer(kind, input.Index, hash, _hashes.Oldest, _hashes.Newest, reason);
        _out.Callbacks.Add(() => input.Done(answer));
    }
}
