using Consensus.Server.Holds;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.Server.Watches;

namespace Consensus.Server.Elections;

/// <summary>GET and HEAD of elections: the leader now, or with <c>Accept: text/event-stream</c> every change of it.</summary>
internal sealed class ElectionReadEndpoints(HoldReadEndpoints reads, WatchEndpoints watches, Replies replies)
{
    public Task GetAsync(ApiCall call)
    {
        if (call.Form == MediaForms.EventStream)
        {
            return watches.WatchElectionAsync(call);
        }
        return WatchParameters.AreAbsent(call.Query, out var refusal) ? reads.GetAsync(call) : replies.Problem(call.Http, refusal!);
    }
}
