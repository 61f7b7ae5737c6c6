using System.Text;
using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Node;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary><c>/v1/auth/principals</c>: which roles are bound to whom.</summary>
internal sealed class PrincipalEndpoints(IConsensusNode node, JudgedReads reads, PolicyChanges changes, Replies replies)
{
    private const string What = "principal";

    /// <summary>Of a name in an answer beside its bytes, about.</summary>
    private const int NameBytes = 60;

    private static readonly Access Needed = Access.ToCluster(SystemRights.Administer);

    public async Task ListAsync(ApiCall call)
    {
        if (!PolicyPage.TryRead(call, ListKind.Principals, node.Moment.Cluster, out var page, out var refusal)
            || !ReadOptions.TryRead(call.Query, out var options, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var read = await reads.ReadAsync(call, options, Needed);
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
            return;
        }
        var revision = view.Policy.Revision;
        var items = page.Take(
            view.ListPrincipals(page.AfterText), SizeOf, static principal => Encoding.UTF8.GetBytes(principal.Name), out var next);
        PolicyChanges.Tag(call.Http, revision, call.Form);
        var answer = new PrincipalListAnswer([.. items.Select(principal => AccessShapes.Of(principal, revision))], revision, next);
        await replies.Json(call.Http, StatusCodes.Status200OK, answer, ApiJson.Default.PrincipalListAnswer, view.Revision);
    }

    public async Task GetAsync(ApiCall call)
    {
        if (PolicyChanges.NameOf(call, What, out var refusal) is not { } name
            || !ReadOptions.TryRead(call.Query, out var options, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var read = await reads.ReadAsync(call, options, Needed);
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
            return;
        }
        if (view.GetPrincipal(name) is not { } principal)
        {
            await replies.Problem(call.Http, Problem.NotFound($"nothing is bound to the principal \"{Excerpt.Of(name)}\"", view.Revision));
            return;
        }
        PolicyChanges.Tag(call.Http, view.Policy.Revision, call.Form);
        await replies.Json(
            call.Http,
            StatusCodes.Status200OK,
            AccessShapes.Of(principal, view.Policy.Revision),
            ApiJson.Default.PrincipalAnswer,
            view.Revision);
    }

    public async Task PutAsync(ApiCall call)
    {
        if (PolicyChanges.NameOf(call, What, out var refusal) is not { } name)
        {
            await replies.Problem(call.Http, refusal!);
        }
        else if (await changes.ReadBodyAsync(call) is { } body)
        {
            await (AccessRequests.ReadPrincipal(body, out var sentence) is var (roles, isDisabled)
                ? changes.ChangeAsync(
                    call,
                    body,
                    new PutPrincipalCommand(name, roles, isDisabled),
                    $"the principal {name} has the roles [{string.Join(", ", roles)}]{(isDisabled ? ", and is disabled" : "")}")
                : replies.Problem(call.Http, Problem.BadRequest(sentence!)));
        }
    }

    public Task DeleteAsync(ApiCall call) => PolicyChanges.NameOf(call, What, out var refusal) is { } name
        ? changes.ChangeAsync(call, [], new DeletePrincipalCommand(name), $"nothing is bound to the principal {name} any more")
        : replies.Problem(call.Http, refusal!);

    private static int SizeOf(PrincipalInfo principal) =>
        NameBytes + principal.Name.Length + principal.Roles.Sum(static role => NameBytes + role.Length);
}
