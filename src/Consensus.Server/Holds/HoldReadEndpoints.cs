using Consensus.Node;
using Consensus.Server.Auth;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.Server.Watches;
using Consensus.Server.Watches.States;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Holds;

/// <summary>GET and HEAD of locks, semaphores and elections: one, those with a prefix, or a stream of what one becomes.</summary>
internal sealed class HoldReadEndpoints(
    HoldForm form, IConsensusNode node, JudgedReads reads, ListReader lists, WatchEndpoints watches, Replies replies)
{
    public Task GetAsync(ApiCall call) =>
        call.Form == MediaForms.EventStream ? WatchAsync(call)
        : Names.IsGiven(call) ? GetOneAsync(call)
        : ListAsync(call);

    private Task WatchAsync(ApiCall call) => Names.TryGetName(call, form.NameWords, out var name, out var refusal)
        ? watches.WatchStateAsync(
            call, new HoldSubject(form, new ObjectName(form.Space, name)), Access.To(new ObjectName(form.Space, name), Verbs.Read), "")
        : replies.Problem(call.Http, refusal!);

    private async Task GetOneAsync(ApiCall call)
    {
        if (!Names.TryGetName(call, form.NameWords, out var name, out var refusal)
            || !ReadOptions.TryRead(call.Query, out var options, out refusal)
            || !ListParameters.AreAbsent(call.Query, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var read = await reads.ReadAsync(call, options, Access.To(new ObjectName(form.Space, name), Verbs.Read));
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
            return;
        }
        await form.ShowAsync(call.Http, view.GetObject(new ObjectName(form.Space, name)), view.Revision, HoldContext.Of(node, view));
    }

    private async Task ListAsync(ApiCall call)
    {
        if (!ListParameters.TryReadPrefix(call.Query, out var prefix, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var (page, problem) = await lists.OpenAsync(
            call, form.ListKind, prefix, Access.ToPrefix(Access.SpaceOf(form.Space), Verbs.Read, Key.Own(prefix)));
        if (page is null)
        {
            await replies.Problem(call.Http, problem!);
            return;
        }
        var view = page.View;
        var items = new List<HeldObject>();
        Key? after = page.After is { } last ? new Key(last.Span) : null;
        string? nextCursor = null;
        var size = default(PageBytes);
        foreach (var info in view.ListObjects(form.Space, Key.Own(prefix), after))
        {
            if (items.Count == page.Limit || size.IsFull)
            {
                nextCursor = lists.Continue(page, form.ListKind, after!.Value.Memory);
                break;
            }
            items.Add(info);
            Add(info, ref size);
            after = info.Name;
        }
        await form.ListAsync(call.Http, new HoldPage(items, view.Revision, nextCursor), HoldContext.Of(node, view));
    }

    private static void Add(HeldObject info, ref PageBytes size)
    {
        size.AddItem();
        size.AddText(info.Name.Bytes);
        foreach (var waiter in info.Waiters)
        {
            size.AddItem();
            size.AddText(waiter.Owner);
        }
        foreach (var delay in info.Delays)
        {
            size.AddItem();
            size.AddText(delay.Owner);
        }
        foreach (var hold in info.Holders)
        {
            size.AddItem();
            size.AddText(hold.Owner);
            size.AddText(hold.Value.Span);
            size.AddRaw(hold.Metadata.Length);
        }
    }
}
