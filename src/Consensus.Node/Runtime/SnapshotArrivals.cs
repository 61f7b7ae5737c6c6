using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Raft;
using Consensus.StateMachine;

namespace Consensus.Node.Runtime;

/// <summary>
/// The receiving end of snapshots: admits a transfer, writes the file, has it checked, decodes the state on the connection's thread, and only then tells the loop. A disk without
/// room refuses the transfer, for nothing here depends on it yet; a disk that fails ends the process, because the log is on the same one.
/// </summary>
/// <param name="limits">Of the state.</param>
/// <param name="status">The newest published.</param>
/// <param name="post">Takes what arrived.</param>
/// <param name="fatal">Ends the process.</param>
internal sealed class SnapshotArrivals(
    ISnapshotStore store,
    Limits limits,
    Func<NodeStatus> status,
    Action<NodeInput> post,
    Action<string> notice,
    Action<string> warn,
    Action<string, Exception> fatal)
{
    private readonly Lock _gate = new();
    private readonly ISnapshotStore _store = store;
    private readonly Limits _limits = limits;
    private readonly Action<NodeInput> _post = post;

    /// <summary>What a transfer that broke off left: one file at most, under a temporary name.</summary>
    private Arrival? _parked;

    /// <summary>Null with the reason when it is not taken. On the thread of the connection, as is the arrival.</summary>
    public ISnapshotArrival? Begin(InstallSnapshotRequest request, long lengthBytes, out SnapshotRejection? rejection)
    {
        rejection = SnapshotAdmission.Judge(status(), request);
        if (rejection is not null)
        {
            return null;
        }
        var begun = TakeParked(request, lengthBytes);
        if (begun is null)
        {
            try
            {
                begun = new Arrival(this, request, lengthBytes, _store.Receive(request.Mark, lengthBytes));
            }
            catch (Exception e) when (IsExpected(e))
            {
                rejection = Reject(request, e, SnapshotRefusal.TooLarge);
                return null;
            }
        }
        notice(begun.TakenBytes == 0
            ? $"receiving a snapshot up to index {request.Mark.LastIndex} ({SizeText.MiB(lengthBytes)})"
            : $"receiving the rest of a snapshot up to index {request.Mark.LastIndex} ({SizeText.MiB(lengthBytes - begun.TakenBytes)} of {SizeText.MiB(lengthBytes)})");
        return begun;
    }

    /// <summary>What is here of a file whose transfer broke off is of no use any more when this much is applied. Touches the disk.</summary>
    public void DropThrough(LogIndex applied)
    {
        Arrival? parked;
        lock (_gate)
        {
            parked = _parked is not null && _parked.Request.Mark.LastIndex <= applied ? _parked : null;
            _parked = parked is null ? _parked : null;
        }
        parked?.Drop();
    }

    /// <summary>What a transfer that broke off brought of this very file. What another one brought makes room.</summary>
    private Arrival? TakeParked(InstallSnapshotRequest request, long lengthBytes)
    {
        Arrival? parked;
        lock (_gate)
        {
            (parked, _parked) = (_parked, null);
        }
        if (parked is null)
        {
            return null;
        }
        if (parked.IsOf(request, lengthBytes))
        {
            parked.GoesOn = true;
            return parked;
        }
        parked.Drop();
        return null;
    }

    private void Park(Arrival arrival)
    {
        Arrival? before;
        lock (_gate)
        {
            (before, _parked) = (_parked, arrival);
        }
        before?.Drop();
    }

    private static bool IsExpected(Exception e) =>
        e is StorageFailedException or StorageRefusedException or FileNotFoundException or UnauthorizedAccessException or WireFormatException;

    /// <param name="onWrongBytes">What it means when the bytes are not what they should be.</param>
    private SnapshotRejection Reject(InstallSnapshotRequest request, Exception failure, SnapshotRefusal onWrongBytes)
    {
        var rejection = failure switch
        {
            StorageFailedException { IsDiskFull: true } => new SnapshotRejection(SnapshotRefusal.NoRoom, $"its disk has no room: {failure.Message}"),
            StorageFailedException { MayPass: true } => new SnapshotRejection(SnapshotRefusal.NotNow, failure.Message),
            FileNotFoundException => new SnapshotRejection(SnapshotRefusal.NotNeeded, "a newer snapshot of its own took its place"),
            WireFormatException when onWrongBytes == SnapshotRefusal.NotNow => new SnapshotRejection(
                onWrongBytes, $"its parts came over more than one connection and are not whole together, so it is received anew: {failure.Message}"),
            WireFormatException => new SnapshotRejection(onWrongBytes, failure.Message),
            _ => new SnapshotRejection(SnapshotRefusal.NotNow, "its disk failed, and its process ends"),
        };
        var tell = rejection.ConcernsOperator ? warn : notice;
        tell($"this member does not take the leader's snapshot up to index {request.Mark.LastIndex}{(rejection.Reason == SnapshotRefusal.NotNow ? " now" : "")}: {rejection.Sentence}");
        if (failure is StorageRefusedException or UnauthorizedAccessException or StorageFailedException { MayPass: false })
        {
            fatal("the disk failed under a snapshot from the leader", failure);
        }
        return rejection;
    }

    private sealed class Arrival(SnapshotArrivals owner, InstallSnapshotRequest request, long lengthBytes, IIncomingSnapshot incoming) : ISnapshotArrival
    {
        /// <summary>There is nothing to go on with.</summary>
        private bool _isOver;

        private SnapshotRefusal OnWrongBytes => GoesOn ? SnapshotRefusal.NotNow : SnapshotRefusal.Damaged;

        public InstallSnapshotRequest Request => request;

        /// <summary>A part of it came over an earlier connection. What broke that one may have changed it too: only a file that came in one piece is its leader's fault.</summary>
        public bool GoesOn { get; set; }

        public long TakenBytes => incoming.TakenBytes;

        /// <summary>The transfer, its mark and its length: the bytes are the same then, and the file's own checksums decide in the end.</summary>
        public bool IsOf(InstallSnapshotRequest other, long otherLengthBytes) =>
            request.From == other.From
            && request.Term == other.Term
            && request.Transfer == other.Transfer
            && request.Mark.LastIndex == other.Mark.LastIndex
            && request.Mark.LastTerm == other.Mark.LastTerm
            && lengthBytes == otherLengthBytes;

        public SnapshotRejection? Write(ReadOnlySpan<byte> chunk)
        {
            try
            {
                incoming.Write(chunk);
                return null;
            }
            catch (Exception e) when (IsExpected(e))
            {
                _isOver = true;
                return owner.Reject(request, e, OnWrongBytes);
            }
        }

        public SnapshotRejection? Complete()
        {
            _isOver = true;
            var wrongBytes = OnWrongBytes;
            try
            {
                var file = incoming.Complete();
                // Its checksums hold: what cannot be read now is of another version.
                wrongBytes = SnapshotRefusal.UnknownContent;
                using var reader = owner._store.Open(file.Mark);
                owner._post(new SnapshotArrivedInput(request, file, ReplicatedState.Restore(owner._limits, reader)));
                return null;
            }
            catch (Exception e) when (IsExpected(e))
            {
                return owner.Reject(request, e, wrongBytes);
            }
        }

        /// <summary>The connection is gone. What came is kept for the next one, unless it is of no use.</summary>
        public void Dispose()
        {
            if (_isOver)
            {
                Drop();
            }
            else
            {
                owner.Park(this);
            }
        }

        public void Drop() => incoming.Dispose();
    }
}
