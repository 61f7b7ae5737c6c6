using Consensus.Primitives;

namespace Consensus.StateMachine.Tables;

/// <summary>A place in an index by deadline: equal ones stand in the order of their ids.</summary>
internal readonly record struct Due(ClusterTime Deadline, long Id) : IComparable<Due>
{
    public int CompareTo(Due other)
    {
        var byTime = Deadline.CompareTo(other.Deadline);
        return byTime != 0 ? byTime : Id.CompareTo(other.Id);
    }
}
