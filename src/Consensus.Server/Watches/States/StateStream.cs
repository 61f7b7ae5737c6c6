using Consensus.Primitives;
using Consensus.Server.Auth;

namespace Consensus.Server.Watches.States;

/// <summary>Writes the states of one subject to its client, at the client's pace: nothing is queued for it, and what it did not take in time it is not told.</summary>
internal sealed class StateStream(
    StateStreams states, StateGroup group, StreamRight right, MessageWriter writer, CancellationToken aborted)
{
    /// <param name="next">The state that it begins with.</param>
    public async Task RunAsync(StateMessage? next)
    {
        var (seen, revision) = (LogIndex.Zero, Revision.Zero);
        while (true)
        {
            if (!states.Allows(right))
            {
                await writer.WriteShortAsync(WatchMessages.Forbidden());
                return;
            }
            if (next is not null)
            {
                var verdict = await writer.WriteAsync([next.Message]);
                if (verdict == WriteVerdict.Gone || (verdict == WriteVerdict.Written && next.IsLast))
                {
                    return;
                }
                if (verdict == WriteVerdict.Written)
                {
                    (seen, revision, next) = (next.Index, next.Message.Revision, null);
                }
                else
                {
                    await writer.RoomAsync();
                }
            }
            var step = await states.NextAsync(group, next?.Index ?? seen);
            if (step == StateStep.Stop || aborted.IsCancellationRequested)
            {
                return;
            }
            // What could not be written is tried again, unless there is something newer.
            next = step.Message ?? next;
            if (next is not null)
            {
                continue;
            }
            await step.Woken.WaitAsync(aborted);
            step = await states.NextAsync(group, seen);
            next = step.Message;
            if (next is null && states.Allows(right) && step != StateStep.Stop
                && !await writer.WriteShortAsync(WatchMessages.Heartbeat(revision)))
            {
                return;
            }
        }
    }
}
