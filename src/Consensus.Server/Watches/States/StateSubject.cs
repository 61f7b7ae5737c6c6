using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Watches;
using Consensus.Primitives;
using Consensus.Server.Holds;
using Consensus.Server.Leases;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Watches.States;

/// <summary>What one stream of states is about. Streams with equal subjects are told the same.</summary>
internal abstract record StateSubject
{
    /// <summary>Equal in views that show the same of it. Null when there is no such thing, and then there will never be one again.</summary>
    public abstract object? MarkIn(StateView view);

    /// <summary>The name of the event, and in <paramref name="json"/> its data: what a GET shows.</summary>
    /// <param name="aliveAt">The last time at which there was known to be such a thing.</param>
    public abstract string Write(Utf8JsonWriter json, StateView view, ClusterTime aliveAt, HoldContext context);
}

/// <summary>A lock or a semaphore: there always is one, be it free.</summary>
internal sealed record HoldSubject(HoldForm Form, ObjectName Name) : StateSubject
{
    public override object MarkIn(StateView view) => view.MarkOf(Name);

    public override string Write(Utf8JsonWriter json, StateView view, ClusterTime aliveAt, HoldContext context)
    {
        Form.Write(json, view.GetObject(Name), context);
        return Form.Noun;
    }
}

/// <summary>A lease. Its renewals change nothing that is told: who keeps it knows of them, and others would be told of little else.</summary>
/// <param name="Actor">Who is told: no names of what it may not read.</param>
internal sealed record LeaseSubject(LeaseId Id, Actor Actor) : StateSubject
{
    public const string Ended = "ended";

    /// <summary>Which names are told changes with the policy.</summary>
    public override object? MarkIn(StateView view) => view.MarkOf(Id) is { } mark ? (mark, view.Policy.Revision) : null;

    public override string Write(Utf8JsonWriter json, StateView view, ClusterTime aliveAt, HoldContext context)
    {
        if (view.GetLease(Id, Actor) is { } lease)
        {
            JsonSerializer.Serialize(json, LeaseReadEndpoints.DetailOf(lease, session: null, context.Now), ApiJson.Default.LeaseDetailAnswer);
            return "lease";
        }
        var reason = view.ReasonOfEnd(Id, aliveAt) is { } known ? HoldShapes.ReasonName(known) : null;
        JsonSerializer.Serialize(json, new LeaseEndedData(Id.ToString(), reason, view.Revision.Value), ApiJson.Default.LeaseEndedData);
        return Ended;
    }
}
