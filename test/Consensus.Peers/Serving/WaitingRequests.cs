using System.Collections.Concurrent;
using Consensus.Primitives;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Peers.Serving;

/// <summary>
/// The requests that came to this member and are not answered yet: whoever applies their entries answers them. Bounded by the web server's
/// requests. Any thread.
/// </summary>
internal sealed class WaitingRequests
{
    private readonly ConcurrentDictionary<RequestId, TaskCompletionSource<Outcome>> _requests = new();

    public Task<Outcome> Add(RequestId request) =>
        _requests.GetOrAdd(request, _ => new TaskCompletionSource<Outcome>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Remove(RequestId request) => _requests.TryRemove(request, out _);

    /// <summary>A request that starts to wait gets its final outcome later.</summary>
    public void Resolve(Resolution resolution)
    {
        if (resolution.Outcome is not HoldQueued && _requests.TryRemove(resolution.Request, out var waiting))
        {
            waiting.SetResult(resolution.Outcome);
        }
    }
}
