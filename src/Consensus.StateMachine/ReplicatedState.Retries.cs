using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

/// <summary>
/// The replicated table of request identities (rule 21): a retry gets the first answer and has no effect of its own, through any member, across failover and
/// snapshot. What had an effect is kept here; what had none, more briefly, among <see cref="BriefAnswers"/>.
/// </summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<Identity, KeptOutcome> _kept = new();
    private readonly CowTree<long, Identity> _keptByAge = new();
    /// <summary>More than one command can add, so that what is over goes at last.</summary>
    private const int ForgottenByOneCommand = 32;

    private long _nextKept = 1;
    private long _keptBytes;

    /// <summary>False while a command is done for whose outcome there is no room.</summary>
    private bool _hasRoom;

    /// <summary>The answer to a retry, or to a new identity for which there is no room; null when the command is to be executed.</summary>
    private Outcome? AnswerRetry(Command command)
    {
        _hasRoom = true;
        if (_identity.IsNone)
        {
            return null;
        }
        ForgetOld();
        if (_kept.TryGet(_identity, out var kept))
        {
            return kept.Kind == EffectKind.Withdrawn || kept.Fingerprint.Span.SequenceEqual(_fingerprint.Span)
                ? Replay(kept)
                : new IdempotencyMismatch(Revision);
        }
        if (_brief.TryGet(_identity, _stamp, out var brief))
        {
            return Repeat(brief);
        }
        if (_forgotten.TryGet(_identity, out var forgotten) && !(forgotten.Kind == ForgottenKind.UnkeptRepeatable && AlwaysPasses.IsRepeatable(command)))
        {
            return new RetryTooLate(Revision);
        }
        if (_identityWaiters.TryGet(_identity, out var place))
        {
            // Its room is that of its grant, which is kept in any case.
            return command is AcquireLockCommand acquire && acquire.Object == place.Object ? null : new IdempotencyMismatch(Revision);
        }
        _hasRoom = MakeRoom();
        return _hasRoom || AlwaysPasses.Does(command)
            ? null
            : new BoundReached(Revision, BoundKind.IdempotencyKeys, _limits.MaxIdempotencyKeys) { RetryAfterMicros = UntilOldestMayGo() };
    }

    private Outcome Replay(KeptOutcome kept) => kept.Kind switch
    {
        EffectKind.Put => new PutDone(new Revision(kept.B), kept.Key, new Revision(kept.A), new Revision(kept.B), kept.C, new LeaseId(kept.D)),
        EffectKind.Delete => new DeleteDone(new Revision(kept.A), kept.B),
        EffectKind.LeaseGranted => new LeaseGranted(new Revision(kept.A), new LeaseId(kept.B), kept.C),
        EffectKind.LeaseRevoked => new LeaseRevoked(new Revision(kept.A), new LeaseId(kept.B), kept.C, kept.D),
        EffectKind.LockGranted => ReplayGrant(kept),
        EffectKind.LockReleased => new LockReleased(new Revision(kept.A)),
        EffectKind.ManyGranted => ReplayMany(kept),
        EffectKind.HandedOver => ReplayHandOver(kept),
        EffectKind.Proclaimed => ReplayProclaimed(ObjectName.Election(kept.Key), new FencingToken(kept.A), new Revision(kept.B)),
        EffectKind.TxnDone => new TxnDone(new Revision(kept.A), kept.B == 1, TxnResultCodec.Read(kept.Blob)),
        EffectKind.FenceRaised => new FencePassed(new Revision(kept.A), new FencingToken(kept.B)),
        EffectKind.FenceReset => new FenceReset(new Revision(kept.A), Existed: true),
        EffectKind.Withdrawn => new RequestWithdrawn(Revision),
        _ => Invariant.Unreachable<Outcome>(kept.Kind),
    };

    private void Keep(Command command, Outcome outcome)
    {
        if (_identity.IsNone || _kept.Contains(_identity))
        {
            return;
        }
        var kept = (command, outcome) switch
        {
            (PutCommand, PutDone o) => Effect(EffectKind.Put, o.Key, o.CreateRevision.Value, o.ModRevision.Value, o.Version, o.Lease.Value),
            (_, DeleteDone { Deleted: > 0 } o) => Effect(EffectKind.Delete, default, o.Revision.Value, o.Deleted),
            (_, LeaseGranted o) => Effect(EffectKind.LeaseGranted, default, o.Revision.Value, o.Id.Value, o.TtlMicros),
            (_, LeaseRevoked o) => Effect(EffectKind.LeaseRevoked, default, o.Revision.Value, o.Id.Value, o.KeysDeleted, o.LocksFreed),
            (AcquireLockCommand, LockGranted o) => EffectOf(o),
            (_, ManyGranted o) => EffectOf(o),
            (_, HandedOver o) => EffectOf(o),
            (RenewLockCommand { Value: not null } c, LockRenewed o) => EffectOf(c, o),
            (ReleaseLockCommand c, LockReleased o) when c.Force || o.Revision > _revisionBefore => Effect(EffectKind.LockReleased, default, o.Revision.Value),
            _ => null,
        };
        if (kept is not null)
        {
            Keep(kept, AlwaysPasses.IsRepeatable(command));
        }
        else if (!_forgotten.Contains(_identity))
        {
            // Else the command itself had an effect and told of it, and there was room for no more than that.
            KeepBriefly(command, outcome);
        }
    }

    /// <summary>Where there is no room for what came of it, there is for that it was done: sent again, or withdrawn, it is told so, and not done a second time.</summary>
    /// <param name="isRepeatable">Then, sent again, it is judged like any other.</param>
    private void Keep(KeptOutcome kept, bool isRepeatable = false)
    {
        if (_hasRoom)
        {
            Store(_identity, kept);
        }
        else
        {
            RememberForgotten(_identity, _nextKept++, isRepeatable ? ForgottenKind.UnkeptRepeatable : ForgottenKind.Unkept);
        }
    }

    /// <summary>A waiter that was promoted had its effect now, under the identity with which it asked.</summary>
    private void KeepGrant(WaiterRecord waiter, LockGranted granted)
    {
        if (!waiter.Identity.IsNone && !_kept.Contains(waiter.Identity))
        {
            Store(waiter.Identity, EffectOf(granted) with { Fingerprint = waiter.Fingerprint });
        }
    }

    /// <summary>For a command that knows itself that it had an effect.</summary>
    private void KeepEffect(EffectKind kind, long a, long b = 0, ReadOnlyMemory<byte> blob = default)
    {
        if (!_identity.IsNone)
        {
            Keep(Effect(kind, default, a, b, blob: blob));
        }
    }

    private KeptOutcome Effect(EffectKind kind, Key key, long a, long b = 0, long c = 0, long d = 0, ReadOnlyMemory<byte> blob = default) =>
        new(0, _stamp, _fingerprint.ToArray(), kind, key, a, b, c, d, blob);

    private void Store(Identity identity, KeptOutcome kept)
    {
        kept = kept with { Sequence = _nextKept++ };
        _brief.Drop(identity);
        DropForgotten(identity);
        _kept.Set(identity, kept);
        _keptByAge.Set(kept.Sequence, identity);
        _keptBytes += SizeOf(identity, kept);
    }

    /// <summary>A few at a time: after a burst and a long rest, one command would pay for all of them.</summary>
    private void ForgetOld()
    {
        for (var i = 0; i < ForgottenByOneCommand
            && _keptByAge.TryFirst(out _, out var oldest)
            && _kept.TryGet(oldest, out var kept)
            && _stamp - kept.Stored > _limits.IdempotencyMaxAgeMicros; i++)
        {
            Forget(oldest, kept);
        }
        DropOldForgotten(ForgottenByOneCommand);
        _brief.DropOld(_stamp, ForgottenByOneCommand);
    }

    /// <summary>Drops the oldest for room, but never one younger than the promised time.</summary>
    private bool MakeRoom()
    {
        while (_kept.Count >= _limits.MaxIdempotencyKeys || _keptBytes >= _limits.MaxIdempotencyBytes)
        {
            if (!_keptByAge.TryFirst(out _, out var oldest)
                || !_kept.TryGet(oldest, out var kept)
                || _stamp - kept.Stored < _limits.IdempotencyKeepMicros)
            {
                return false;
            }
            Forget(oldest, kept);
        }
        return true;
    }

    /// <summary>How long the oldest, while it is too young to be dropped for room, stays so.</summary>
    private long UntilOldestMayGo() => _keptByAge.TryFirst(out _, out var oldest) && _kept.TryGet(oldest, out var kept)
        ? _limits.IdempotencyKeepMicros - (_stamp - kept.Stored)
        : 0;

    private void Forget(Identity identity, KeptOutcome kept)
    {
        _kept.Remove(identity);
        _keptByAge.Remove(kept.Sequence);
        _keptBytes -= SizeOf(identity, kept);
        RememberForgotten(identity, kept.Sequence, ForgottenKind.Dropped);
    }

    private static long SizeOf(Identity identity, KeptOutcome kept) => kept.Bytes + identity.IdempotencyKey.Length + (2L * identity.Principal.Length);
}
