using Consensus.Primitives;
using Consensus.StateMachine.Commands;

namespace Consensus.Peers.Serving;

/// <summary>
/// What a member has logged without being asked: it announces itself, and as the leader it expires what is due and forgets old history. One
/// at a time, each tried again while it is due.
/// Waiters of lost members are not detached: they end by their own wait.
/// </summary>
internal sealed class HouseKeeper(
    DotNextNode node, Proposals proposals, AppliedState state, Func<ClusterTime> now, AnnounceMemberCommand announcement)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping))
            {
                if (Due() is { } command)
                {
                    using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
                    limit.CancelAfter(TimeSpan.FromSeconds(5));
                    await node.LogOwnAsync(command, limit.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It was stopped.
        }
    }

    private Command? Due()
    {
        if (state.Members().All(member => member.Id != announcement.Member || member.Boot != announcement.Boot))
        {
            return announcement;
        }
        if (!proposals.Leads)
        {
            return null;
        }
        var time = now();
        if (state.NextDeadline <= time)
        {
            return new ExpireCommand();
        }
        return state.CompactionDue(time) is { } revision ? new CompactCommand(revision) : null;
    }
}
