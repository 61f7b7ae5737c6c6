using Consensus.Raft.Log;
using Consensus.StateMachine;

namespace Consensus.Node.Core;

/// <summary>
/// What one turn may still apply (rule 9). Charged in units for what an entry is and does, never by a clock, so that every run of one seed cuts its turns alike. A unit is
/// worth about a microsecond on the machines that this was measured on.
/// </summary>
internal struct TurnBudget(long units)
{
    private const int EntryUnits = 3;
    private const int ObjectUnits = 3;
    private const int BytesPerUnit = 1024;

    /// <summary>Charged so far.</summary>
    public long Charged { get; private set; }

    /// <summary>Nothing more is begun in this turn. The last entry may have cost more than was left: one command is bounded by itself.</summary>
    public readonly bool IsSpent => Charged >= units;

    /// <param name="objects">As of <see cref="ApplyOutput.Objects"/>.</param>
    /// <param name="light">As of <see cref="ApplyOutput.Light"/>: a unit each.</param>
    public void Charge(Entry entry, long objects, long light) =>
        Charged += EntryUnits + (objects * ObjectUnits) + light + (entry.ApproximateSize / BytesPerUnit);
}
