using System.Text;
using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary><c>/v1/auth/principals</c>: which roles are bound to whom.</summary>
internal sealed class PrincipalEndpoints(PolicyRecordReads records, PolicyChanges changes, Replies replies)
{
    private const string What = "principal";

    /// <summary>Of a name in an answer beside its bytes, about.</summary>
    private const int NameBytes = 60;

    /// <summary>Of the bounds of one: their names and numbers.</summary>
    private const int LimitsBytes = 100;

    public Task ListAsync(ApiCall call) =>
        records.ListAsync(call, ListKind.Principals, ApiJson.Default.PrincipalListAnswer, static (view, page) =>
        {
            var revision = view.Policy.Revision;
            var items = page.Take(
                view.ListPrincipals(page.AfterText), SizeOf, static principal => Encoding.UTF8.GetBytes(principal.Name), out var next);
            return new PrincipalListAnswer([.. items.Select(principal => AccessShapes.Of(principal, revision))], revision, next);
        });

    public Task GetAsync(ApiCall call) => PolicyChanges.NameOf(call, What, out var refusal) is { } name
        ? records.GetAsync(
            call,
            ApiJson.Default.PrincipalAnswer,
            view => view.GetPrincipal(name) is { } principal ? AccessShapes.Of(principal, view.Policy.Revision) : null,
            $"nothing is bound to the principal \"{Excerpt.Of(name)}\"")
        : replies.Problem(call.Http, refusal!);

    public async Task PutAsync(ApiCall call)
    {
        if (PolicyChanges.NameOf(call, What, out var refusal) is not { } name)
        {
            await replies.Problem(call.Http, refusal!);
        }
        else if (await changes.ReadBodyAsync(call) is { } body)
        {
            await (AccessRequests.ReadPrincipal(body, out var sentence) is var (roles, isDisabled, limits)
                ? changes.ChangeAsync(
                    call,
                    body,
                    new PutPrincipalCommand(name, roles, isDisabled) { Limits = limits },
                    $"the principal {name} has the roles [{string.Join(", ", roles)}]{(isDisabled ? ", and is disabled" : "")}")
                : replies.Problem(call.Http, Problem.BadRequest(sentence!)));
        }
    }

    public Task DeleteAsync(ApiCall call) => PolicyChanges.NameOf(call, What, out var refusal) is { } name
        ? changes.ChangeAsync(call, [], new DeletePrincipalCommand(name), $"nothing is bound to the principal {name} any more")
        : replies.Problem(call.Http, refusal!);

    private static int SizeOf(PrincipalInfo principal) =>
        NameBytes + LimitsBytes + principal.Name.Length + principal.Roles.Sum(static role => NameBytes + role.Length);
}
