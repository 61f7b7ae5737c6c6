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

/// <summary><c>/v1/auth/roles</c>: what roles allow. Those that are built in are shown, and nobody changes them.</summary>
internal sealed class RoleEndpoints(IConsensusNode node, JudgedReads reads, PolicyChanges changes, Replies replies)
{
    private const string What = "role";

    /// <summary>Of a rule in an answer beside its name, about.</summary>
    private const int RuleBytes = 120;

    private static readonly Access Needed = Access.ToCluster(SystemRights.Administer);

    public async Task ListAsync(ApiCall call)
    {
        if (!PolicyPage.TryRead(call, ListKind.Roles, node.Moment.Cluster, out var page, out var refusal)
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
        var made = page.Take(view.ListRoles(page.AfterText), SizeOf, static role => Encoding.UTF8.GetBytes(role.Name), out var next);
        List<RoleAnswer> items = page.IsFirst
            ? [.. BuiltInRoles.Names.Select(name => AccessShapes.Of(name, BuiltInRoles.Find(name)!, revision))]
            : [];
        items.AddRange(made.Select(role => AccessShapes.Of(role, revision)));
        PolicyChanges.Tag(call.Http, revision, call.Form);
        await replies.Json(
            call.Http, StatusCodes.Status200OK, new RoleListAnswer(items, revision, next), ApiJson.Default.RoleListAnswer, view.Revision);
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
        var revision = view.Policy.Revision;
        var answer = BuiltInRoles.Find(name) is { } builtIn ? AccessShapes.Of(name, builtIn, revision)
            : view.GetRole(name) is { } role ? AccessShapes.Of(role, revision)
            : null;
        if (answer is null)
        {
            await replies.Problem(call.Http, Problem.NotFound($"there is no role \"{Excerpt.Of(name)}\"", view.Revision));
            return;
        }
        PolicyChanges.Tag(call.Http, revision, call.Form);
        await replies.Json(call.Http, StatusCodes.Status200OK, answer, ApiJson.Default.RoleAnswer, view.Revision);
    }

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
