using System.Text.Json;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Lists;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Holds;

/// <summary>When, and in which cluster, an answer about holds is made.</summary>
/// <param name="Now">In cluster time.</param>
internal readonly record struct HoldContext(ClusterTime Now, ClusterId Cluster)
{
    /// <summary>The last stamp of a view may be a second old; the member's clock is younger when it has heard its leader since.</summary>
    public static HoldContext Of(IConsensusNode node, StateView view)
    {
        var (cluster, now) = node.Moment;
        return new HoldContext(ClusterTime.Max(view.AppliedStamp, now), cluster);
    }
}

/// <summary>A page of a list.</summary>
internal sealed record HoldPage(IReadOnlyList<HeldObject> Items, Revision Revision, string? NextCursor);

/// <summary>
/// What locks, semaphores and elections each have of their own: the words of their requests and of their answers. What they share is in
/// <see cref="HoldWriteEndpoints"/> and <see cref="HoldReadEndpoints"/>.
/// </summary>
internal abstract class HoldForm
{
    public abstract HoldSpace Space { get; }

    /// <summary>For sentences: <c>lock</c>.</summary>
    public abstract string Noun { get; }

    /// <summary>For sentences: <c>lock name</c>.</summary>
    public abstract string NameWords { get; }

    public abstract ListKind ListKind { get; }

    /// <summary>The command without a lease of its own as yet; null with a sentence when the body is refused.</summary>
    public abstract AcquireCommand? ReadAcquire(Key name, ReadOnlyMemory<byte> body, long minTtlMicros, out string? refusal);

    /// <summary>Null with a sentence when the body is refused.</summary>
    public virtual RenewHoldCommand? ReadRenew(Key name, ReadOnlyMemory<byte> body, out string? refusal) =>
        HoldRequests.ReadToken(body, out refusal) is { } token ? new RenewHoldCommand(name, token) { Space = Space } : null;

    /// <summary>What a PATCH asks for; null with a sentence when the body is refused.</summary>
    public virtual Command? ReadPatch(Key name, ReadOnlyMemory<byte> body, out string? refusal) =>
        HoldRequests.ReadHandOver(new ObjectName(Space, name), body, out refusal);

    public abstract Task GrantedAsync(HttpContext http, AcquireCommand asked, HoldGranted granted, HoldContext context);

    public abstract Task RenewedAsync(HttpContext http, HoldRenewed renewed, HoldContext context);

    /// <summary>Answers a GET of one.</summary>
    public abstract Task ShowAsync(HttpContext http, HeldObject info, Revision revision, HoldContext context);

    /// <summary>What a GET of one shows, for an event stream.</summary>
    public abstract void Write(Utf8JsonWriter json, HeldObject info, HoldContext context);

    public abstract Task ListAsync(HttpContext http, HoldPage page, HoldContext context);
}
