using System.Collections.Immutable;
using Consensus.Primitives;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Tables;
using Consensus.StateMachine.Wire;

namespace Consensus.StateMachine.Rules;

/// <summary>What retries of grants are told: the hold as it is now, or that it is gone. An old grant repeated would be a lie.</summary>
internal sealed class HoldReplays(StateTables state, Applying entry, HoldAnswers answers)
{
    public Outcome Of(HoldGiven effect) => state.Holds.Find(effect.Object, effect.Token) is { } hold
        ? new HoldGranted(state.Revision, answers.Show(effect.Object, Share(effect.Object, hold)), effect.WaitedMicros) { Permits = state.Objects[effect.Object].Permits }
        : answers.Gone(effect.Object, effect.Token);

    /// <summary>Of several holds those that stand are told also when others are gone: who holds them would not know of them.</summary>
    public Outcome Of(HoldsGiven effect)
    {
        var first = HoldCodec.Read(effect.Holds);
        var left = ImmutableArray.CreateBuilder<Hold>(first.Length);
        var waitedMicros = 0L;
        ReplayedHoldGone? gone = null;
        foreach (var given in first)
        {
            if (state.Holds.Find(given.Object, given.Token) is { } hold)
            {
                left.Add(answers.Show(given.Object, Share(given.Object, hold)));
                waitedMicros = hold.WaitedMicros;
            }
            else
            {
                gone ??= answers.Gone(given.Object, given.Token);
            }
        }
        return gone is null ? new ManyGranted(state.Revision, left.MoveToImmutable()) { WaitedMicros = waitedMicros }
            : left.Count > 0 ? gone with { Left = left.DrainToImmutable() }
            : gone;
    }

    /// <summary>
    /// What a request of a session waited for, as it is now, found by its number. Of several locks those that stand are told, as above; why
    /// others are gone is not known any more.
    /// </summary>
    /// <param name="found">At least one.</param>
    public Outcome OfNumber(IReadOnlyList<HoldKey> found)
    {
        var first = state.Holds.Find(found[0].Object, found[0].Token)!;
        if (first.Mark is not { LockCount: > 0 and var asked })
        {
            return Of(new HoldGiven(found[0].Object, first.Token, first.WaitedMicros));
        }
        ImmutableArray<Hold> left = [.. found.Select(key => answers.Show(key.Object, state.Holds.Find(key.Object, key.Token)!))];
        return left.Length == asked
            ? new ManyGranted(state.Revision, left) { WaitedMicros = first.WaitedMicros }
            : new ReplayedHoldGone(state.Revision, null) { Left = left };
    }

    /// <summary>The hold was given to somebody else: that it was is true whatever became of it.</summary>
    public HandedOver Of(HoldHandedOver effect)
    {
        var given = HoldCodec.Read(effect.Holds)[0];
        return new HandedOver(effect.Revision, state.Holds.Find(given.Object, given.Token) is { } hold ? answers.Show(given.Object, hold) : given);
    }

    public Outcome OfProclaimed(ObjectName name, FencingToken token, Revision revision) => state.Holds.Find(name, token) is { } hold
        ? new HoldRenewed(revision, answers.Show(name, hold))
        : answers.Gone(name, token);

    /// <summary>
    /// More than one request was told now, and entries may be applied in another order than their client sent them: an early attempt that comes late, and whose
    /// connection is gone, must not give back what a later attempt was granted. So nobody gives it back any more; its release or its lease ends it.
    /// </summary>
    private HoldRecord Share(ObjectName name, HoldRecord hold)
    {
        var shared = hold with { Request = RequestId.None };
        entry.Output.Objects++;
        state.Holds.Replace(name, hold, shared);
        return shared;
    }
}
