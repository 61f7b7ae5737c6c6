using System.Text.Json.Nodes;
using Consensus.Api.Locks;
using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary>What a lock, a semaphore or a lease becomes, each state on a line. A loss is told once, in the line of the state that shows it first.</summary>
internal sealed class HoldLines(CommandSession session)
{
    private bool _hasBegun;
    private long _lossTold;

    public EventLines Lines { get; } = new(session.Environment, ("REVISION", 8), ("STATE", 8), ("OWNER", 24), ("TOKEN", 8), ("WAITERS", 7), ("NOTE", 0));

    public void Show(WatchMessage message)
    {
        if (session.Format != OutputFormat.Json && !_hasBegun)
        {
            Lines.WriteHeadings();
        }
        switch (message)
        {
            case WatchLock { Lock: var state } told:
                var holder = state.Holders.Count > 0 ? state.Holders[0] : null;
                Write(told, "lock", holder?.Owner, state.HolderCount, holder?.FencingToken, state.WaiterCount, NoteOf(state.LastLoss, state.DelayMs));
                break;
            case WatchSemaphore { Semaphore: var state } told:
                var first = state.Holders.Count > 0 ? state.Holders[0] : null;
                Write(told, "semaphore", first?.Owner, state.HolderCount, first?.FencingToken, state.WaiterCount, NoteOf(state.LastLoss, state.DelayMs));
                break;
            case WatchLease { Lease: var state } told:
                Write(told, "lease", $"{Plain.Number(state.KeyCount)} keys, {Plain.Number(state.LockCount)} holds", state.KeyCount + state.LockCount, null, null, null, "carries");
                break;
            case WatchLeaseEnded { Lease: var state } told:
                Write(told, "ended", null, 0, null, null, state.Reason, "ended");
                break;
            default:
                break;
        }
        _hasBegun = true;
    }

    private void Write(WatchState told, string name, string? owner, long holders, long? token, long? waiters, string? note, string? state = null)
    {
        if (session.Format == OutputFormat.Json)
        {
            Lines.WriteJson(name, told.Json.Length > 0 ? JsonNode.Parse(told.Json)!.AsObject() : []);
            return;
        }
        Lines.Write(
            Plain.Number(told.Revision),
            state ?? (holders > 0 ? "held" : "free"),
            state is null ? HoldRows.Owners(owner, holders) : owner,
            token is { } number ? Plain.Number(number) : null,
            waiters is { } count ? Plain.Number(count) : null,
            note);
    }

    /// <summary>What the first state shows was lost before anybody watched: it is told as such.</summary>
    private string? NoteOf(HoldLossAnswer? loss, long? delayMs)
    {
        var lost = loss is not null && loss.Revision > _lossTold ? $"{(_hasBegun ? "lost by" : "last lost by")} {loss.Owner}: {loss.Reason}" : null;
        _lossTold = Math.Max(_lossTold, loss?.Revision ?? 0);
        var kept = delayMs is null ? null : "kept for its last owner";
        return lost is not null && kept is not null ? $"{lost}; {kept}" : lost ?? kept;
    }
}
