using Consensus.StateMachine.Policies;

namespace Consensus.Node.Runtime;

/// <summary>
/// The policy that this member has applied last, and whoever waits for another one. Published by whoever has the turn; any thread asks.
/// </summary>
internal sealed class PolicyNews(Policy first)
{
    private readonly Lock _gate = new();
    private volatile Policy _present = first;
    private TaskCompletionSource _changed = NewChange();

    public Policy Present => _present;

    /// <summary>One comparison while nothing has changed.</summary>
    public void Publish(Policy policy)
    {
        if (ReferenceEquals(policy, _present))
        {
            return;
        }
        TaskCompletionSource changed;
        lock (_gate)
        {
            _present = policy;
            changed = _changed;
            _changed = NewChange();
        }
        changed.SetResult();
    }

    /// <summary>Ends once the policy is another than the one that is known.</summary>
    public Task ChangeAsync(Policy known)
    {
        lock (_gate)
        {
            return ReferenceEquals(known, _present) ? _changed.Task : Task.CompletedTask;
        }
    }

    /// <summary>A turn does not run what waits for it.</summary>
    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
