using Consensus.StateMachine.Commands;

namespace Consensus.Node.Core;

/// <summary>
/// Forgetting the history: the leader asks for it in the log, a small stretch at a time, so that no write waits for it (rules 9, 28). While nothing is due nothing is
/// logged.
/// </summary>
public sealed partial class NodeCore
{
    private const long CompactEveryMicros = 1_000_000;

    private PendingCommand? _compaction;
    private long _nextCompaction;
    private bool _moreToCompact;

    private void CompactWhatIsDue()
    {
        if (_compaction is { Stage: not PendingStage.Answered })
        {
            return;
        }
        var goesOn = _moreToCompact && _compaction is { Answer.Kind: AnswerKind.Done };
        if (_now < _nextCompaction && !goesOn)
        {
            return;
        }
        _nextCompaction = _now + CompactEveryMicros;
        if (_state.CompactionDue(_raft.Clock, out _moreToCompact) is { } upTo)
        {
            _compaction = Internal(new CompactCommand(upTo));
        }
    }
}
