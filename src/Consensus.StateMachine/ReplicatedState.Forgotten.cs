using Consensus.Primitives.Wire;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Trees;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine;

/// <summary>
/// Identities whose first answer was dropped: a retry that comes so late must be told so, for executed as a new request it would have a second effect.
/// </summary>
public sealed partial class ReplicatedState
{
    private readonly CowTree<Identity, ForgottenOutcome> _forgotten = new();
    private readonly CowTree<long, Identity> _forgottenByAge = new();
    private long _forgottenBytes;

    private void RememberForgotten(Identity identity, long sequence, ForgottenKind kind)
    {
        DropForgotten(identity);
        LoadForgotten(identity, new ForgottenOutcome(sequence, _stamp, kind));
        while (_forgotten.Count > _limits.MaxForgottenKeys || _forgottenBytes > _limits.MaxForgottenBytes)
        {
            _forgottenByAge.TryFirst(out _, out var oldest);
            DropForgotten(oldest);
        }
    }

    private void DropOldForgotten(int most)
    {
        for (var i = 0; i < most
            && _forgottenByAge.TryFirst(out _, out var oldest)
            && _forgotten.TryGet(oldest, out var forgotten)
            && _stamp - forgotten.Dropped > _limits.ForgottenKeepMicros; i++)
        {
            DropForgotten(oldest);
        }
    }

    private void DropForgotten(Identity identity)
    {
        if (_forgotten.TryGet(identity, out var forgotten))
        {
            _forgotten.Remove(identity);
            _forgottenByAge.Remove(forgotten.Sequence);
            _forgottenBytes -= SizeOf(identity);
        }
    }

    private void LoadForgotten(Identity identity, ForgottenOutcome forgotten)
    {
        _forgotten.Set(identity, forgotten);
        _forgottenByAge.Set(forgotten.Sequence, identity);
        _forgottenBytes += SizeOf(identity);
    }

    private void LoadForgotten(in Fields fields)
    {
        var identity = new Identity(fields.Text(1), fields.Key(2));
        if (_kept.Contains(identity))
        {
            throw new WireFormatException("an identity both kept and forgotten");
        }
        var kind = (ForgottenKind)fields.Number(5);
        if (!Enum.IsDefined(kind))
        {
            throw new WireFormatException("a forgotten outcome of an unknown kind");
        }
        LoadForgotten(identity, new ForgottenOutcome(fields.Number(3), fields.Time(4), kind));
    }

    private static long SizeOf(Identity identity) => 64 + identity.IdempotencyKey.Length + (2L * identity.Principal.Length);
}
