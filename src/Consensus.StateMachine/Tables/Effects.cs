using Consensus.Primitives;

namespace Consensus.StateMachine.Tables;

/// <summary>What a request changed, kept to answer a retry with (rule 21): one record for each kind, with what the answer is made of and no more.</summary>
internal abstract record Effect
{
    /// <summary>What it takes in memory beside its fixed size.</summary>
    public virtual int Bytes => 0;
}

/// <param name="ModRevision">That of the put.</param>
internal sealed record KeyPut(Key Key, Revision CreateRevision, Revision ModRevision, long Version, LeaseId Lease) : Effect
{
    public override int Bytes => Key.Length;
}

internal sealed record KeysDeleted(Revision Revision, long Deleted) : Effect;

internal sealed record LeaseMade(Revision Revision, LeaseId Lease, long TtlMicros) : Effect;

/// <param name="Keys">That went with it.</param>
/// <param name="Holds">That went with it.</param>
internal sealed record LeaseEnded(Revision Revision, LeaseId Lease, long Keys, long Holds) : Effect;

/// <summary>A retry is told of the hold as it is then, or that it is gone.</summary>
internal sealed record HoldGiven(ObjectName Object, FencingToken Token, long WaitedMicros) : Effect
{
    public override int Bytes => Object.Name.Length;
}

internal sealed record HoldGivenUp(Revision Revision) : Effect;

/// <param name="Holds">As they were answered (<see cref="Wire.HoldCodec"/>).</param>
internal sealed record HoldsGiven(Revision Revision, ReadOnlyMemory<byte> Holds) : Effect
{
    public override int Bytes => Holds.Length;
}

/// <param name="Holds">The one that was given, as it was answered.</param>
internal sealed record HoldHandedOver(Revision Revision, ReadOnlyMemory<byte> Holds) : Effect
{
    public override int Bytes => Holds.Length;
}

/// <summary>An election's new value.</summary>
internal sealed record ValueProclaimed(Key Election, FencingToken Token, Revision Revision) : Effect
{
    public override int Bytes => Election.Length;
}

/// <param name="Succeeded">Its compares held.</param>
/// <param name="Results">Of what it read only how much there was (<see cref="Wire.TxnResultCodec"/>).</param>
internal sealed record TxnWritten(Revision Revision, bool Succeeded, ReadOnlyMemory<byte> Results) : Effect
{
    public override int Bytes => Results.Length;
}

/// <param name="Before">The limit before.</param>
/// <param name="Out">What was held and kept back then.</param>
internal sealed record PermitsGiven(Revision Revision, long Permits, long Before, long Out) : Effect;

internal sealed record FenceMoved(Revision Revision, FencingToken Token) : Effect;

/// <summary>There was a fence.</summary>
internal sealed record FenceRemoved(Revision Revision) : Effect;

internal sealed record SettingChanged(Revision Revision, Setting Setting, long Value) : Effect;

/// <param name="Policy">The policy's revision from then on.</param>
/// <param name="Before">That before.</param>
internal sealed record PolicyMoved(Revision Revision, long Policy, long Before) : Effect;

/// <summary>It was done, and of its answer nothing is kept: a renewal, whose answer is old at once, or what was done where there was no room for its answer.</summary>
/// <param name="IsRepeatable">Done again it does no harm, and is.</param>
internal sealed record DoneUntold(bool IsRepeatable) : Effect;

/// <summary>What it had been granted was given back when the request was withdrawn.</summary>
internal sealed record TakenBack(Revision Revision) : Effect;
