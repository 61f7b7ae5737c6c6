using Consensus.Node.Core;
using Consensus.Primitives;

namespace Consensus.Node.Runtime;

/// <summary>What operators ask of one member: its state as a whole, and its hash or a view of it at an index.</summary>
public sealed partial class ConsensusNode
{
    public async ValueTask<BackupAnswer> ReadForBackupAsync(ReadConsistency consistency, Revision minRevision, CancellationToken aborted)
    {
        var pending = new AwaitedRead(minRevision) { NeedsReadIndex = consistency == ReadConsistency.Linearizable, WantsMark = true };
        if (_ended || !Post(new ReadInput(pending)))
        {
            return new BackupAnswer(AnswerKind.NotDone, null, null, NotDoneReason.NotReady);
        }
        GiveUpWhen(pending, aborted);
        var answer = await pending.Task.ConfigureAwait(false);
        return new BackupAnswer(answer.Kind, answer.View, pending.Mark, answer.Reason);
    }

    public async ValueTask<HashAnswer> HashAtAsync(LogIndex index)
    {
        var pending = new AwaitedHash(index);
        return !_ended && _inbox.PostToLoop(new HashInput(pending))
            ? await pending.Task.ConfigureAwait(false)
            : new HashAnswer(AnswerKind.NotDone, index, default, LogIndex.Zero, LogIndex.Zero, NotDoneReason.NotReady);
    }

    public async ValueTask<ViewAnswer> ViewAtAsync(LogIndex index)
    {
        var pending = new AwaitedView(index);
        return !_ended && _inbox.PostToLoop(new ViewInput(pending))
            ? await pending.Task.ConfigureAwait(false)
            : new ViewAnswer(AnswerKind.NotDone, null, LogIndex.Zero, NotDoneReason.NotReady);
    }
}
