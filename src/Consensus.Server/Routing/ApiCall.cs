using Consensus.Server.Audit;
using Consensus.Server.Http;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Routing;

/// <summary>One request, with its target taken apart.</summary>
/// <param name="Name">What the path names within its collection; empty when it names the collection itself.</param>
/// <param name="Form">What it is answered as; of a write nothing: its answer is a document in whichever form, whatever its sender
/// takes.</param>
/// <param name="Bodies">What bounds the reading of its body.</param>
internal sealed record ApiCall(HttpContext Http, ApiRoute Route, Key Name, QueryParameters Query, MediaForms Form, UnfinishedBodies Bodies)
{
    /// <summary>Who asks, and by what it is known; nobody where nobody is asked who he is.</summary>
    public Actor Actor { get; init; } = Actor.Nobody;

    /// <summary>What is recorded of it; null: nothing.</summary>
    public AuditedRequest? Audit { get; init; }
}
