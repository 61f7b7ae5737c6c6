using Consensus.Node.Core;
using Consensus.Primitives;

namespace Consensus.Node.Runtime;

/// <summary>A command whose answer a caller awaits.</summary>
internal sealed class AwaitedCommand(RequestId request, ReadOnlyMemory<byte> payload, string principal) : PendingCommand(request, payload, principal)
{
    private readonly TaskCompletionSource<CommandAnswer> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<CommandAnswer> Task => _source.Task;

    public void Complete() => _source.TrySetResult(Answer);
}

/// <summary>A read whose view a caller awaits.</summary>
internal sealed class AwaitedRead(Revision minRevision) : PendingRead(minRevision)
{
    private readonly TaskCompletionSource<ReadAnswer> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ReadAnswer> Task => _source.Task;

    public void Complete() => _source.TrySetResult(Answer);
}
