using Consensus.StateMachine.Tables;

namespace Consensus.StateMachine.Rules;

/// <summary>Objects that one entry touched, each once, in the order in which it first touched them.</summary>
internal sealed class TouchedObjects
{
    private readonly HashSet<ObjectName> _seen = [];
    private readonly List<ObjectName> _order = [];

    public IReadOnlyList<ObjectName> InOrder => _order;

    public void Add(ObjectName name)
    {
        if (_seen.Add(name))
        {
            _order.Add(name);
        }
    }

    public void Add(IReadOnlyList<WaiterRecord> places)
    {
        foreach (var place in places)
        {
            Add(place.Object);
        }
    }
}
