using System.Threading.Tasks.Sources;
using Consensus.Node.Core;
using Consensus.Primitives;

namespace Consensus.Node.Runtime;

/// <summary>A request that a caller awaits, once.</summary>
internal interface IAwaited
{
    /// <summary>Its answer is set. What the caller does next runs here when <paramref name="inline"/>, else on the thread pool.</summary>
    void Complete(bool inline);
}

/// <summary>A command whose answer a caller awaits.</summary>
internal sealed class AwaitedCommand(RequestId request, ReadOnlyMemory<byte> payload, string principal)
    : PendingCommand(request, payload, principal), IAwaited, IValueTaskSource<CommandAnswer>
{
    private ManualResetValueTaskSourceCore<CommandAnswer> _source;

    public ValueTask<CommandAnswer> Task => new(this, _source.Version);

    public void Complete(bool inline)
    {
        _source.RunContinuationsAsynchronously = !inline;
        _source.SetResult(Answer);
    }

    public CommandAnswer GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>A read whose view a caller awaits.</summary>
internal sealed class AwaitedRead(Revision minRevision) : PendingRead(minRevision), IAwaited, IValueTaskSource<ReadAnswer>
{
    private ManualResetValueTaskSourceCore<ReadAnswer> _source;

    public ValueTask<ReadAnswer> Task => new(this, _source.Version);

    public void Complete(bool inline)
    {
        _source.RunContinuationsAsynchronously = !inline;
        _source.SetResult(Answer);
    }

    public ReadAnswer GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
