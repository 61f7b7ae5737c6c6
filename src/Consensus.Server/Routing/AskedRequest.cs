using Consensus.StateMachine.Policies;

namespace Consensus.Server.Routing;

/// <summary>What is known of a request by the time that it ends, however far it came.</summary>
internal struct AskedRequest()
{
    public ApiRoute Route { get; set; } = ApiRoute.None;

    public Actor Actor { get; set; } = Actor.Nobody;

    /// <summary>Null while it is not known which it is for.</summary>
    public Endpoint? Endpoint { get; set; }

    /// <summary>Null when it was refused before its target was read.</summary>
    public ApiCall? Call { get; set; }
}
