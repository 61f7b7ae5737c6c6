using System.Text;
using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary><c>/v1/auth/roles</c>: what roles allow. Those that are built in are shown, and nobody changes them.</summary>
internal sealed class RoleEndpoints(PolicyRecordReads records, PolicyChanges changes, Replies replies)
{
    private const string What = "role";

    /// <summary>Of a rule in an answer beside its name, about.</summary>
    private const int RuleBytes = 120;

    public Task ListAsync(ApiCall call) => records.ListAsync(call, ListKind.Roles, ApiJson.Default.RoleListAnswer, static (view, page) =>
    {
        var revision = view.Policy.Revision;
        var made = page.Take(view.ListRoles(page.AfterText), SizeOf, static role => Encoding.UTF8.GetBytes(role.Name), out var next);
        List<RoleAnswer> items = page.IsFirst
            ? [.. BuiltInRoles.Names.Select(name => AccessShapes.Of(name, BuiltInRoles.Find(name)!, revision))]
            : [];
        items.AddRange(made.Select(role => AccessShapes.Of(role, revision)));
        return new RoleListAnswer(items, revision, next);
    });

    public Task GetAsync(ApiCall call) => PolicyChanges.NameOf(call, What, out var refusal) is { } name
        ? records.GetAsync(call, ApiJson.Default.RoleAnswer, view => Find(view, name), $"there is no role \"{Excerpt.Of(name)}\"")
        : replies.Problem(call.Http, refusal!);

    /// <summary>Null for a role that there is not.</summary>
    public static RoleAnswer? Find(StateView view, string name) =>
        BuiltInRoles.Find(name) is { } builtIn ? AccessShapes.Of(name, builtIn, view.Policy.Revision)
        : view.GetRole(name) is { } role ? AccessShapes.Of(role, view.Policy.Revision)
        : null;

    public async Task PutAsync(ApiCall call)
    {
        if (PolicyChanges.NameOf(call, What, out var refusal) is not { } name)
        {
            await replies.Problem(call.Http, refusal!);
        }
        else if (await changes.ReadBodyAsync(call) is { } body)
        {
            await (AccessRequests.ReadRole(body, out var sentence) is { } rules
                ? changes.ChangeAsync(call, body, new PutRoleCommand(name, rules), $"the role {name} was made, with {rules.Length} rules")
                : replies.Problem(call.Http, Problem.BadRequest(sentence!)));
        }
    }

    public Task DeleteAsync(ApiCall call) => PolicyChanges.NameOf(call, What, out var refusal) is { } name
        ? changes.ChangeAsync(call, [], new DeleteRoleCommand(name), $"the role {name} was deleted")
        : replies.Problem(call.Http, refusal!);

    private static int SizeOf(RoleInfo role) => RuleBytes + role.Rules.Sum(static rule => RuleBytes + (2 * rule.Name.Length));
}
