using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Api.Problems;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>Who asks and what it may do, what another may do, and the beginning of all that.</summary>
/// <param name="knowsCallers">Somebody can be known here: the member has TLS.</param>
internal sealed class AuthEndpoints(JudgedReads reads, PolicyChanges changes, Replies replies, bool knowsCallers)
{
    private static Problem KnowsNobody => new(
        ProblemTypes.PreconditionFailed, "whoever asks so is known to nobody, and could do nothing any more: "
        + "ask with a token or at the admin socket (consensusctl --socket), or start the members with --tls first; nothing was done");

    /// <summary>GET of <c>/v1/auth</c>: whoever asks is told of itself, whatever it may do otherwise.</summary>
    public async Task WhoamiAsync(ApiCall call)
    {
        if (!ReadOptions.TryRead(call.Query, out var options, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        var read = await reads.ReadAsync(call, options, []);
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
            return;
        }
        var (policy, actor) = (view.Policy, call.Actor);
        var binding = policy.BindingOf(actor.Name);
        // What nothing binds, and nobody takes away.
        var names = binding?.Roles ?? (actor.Credential == Actor.LocalCredential ? [BuiltInRoles.Admin] : []);
        var roles = names.Select(name => RoleEndpoints.Find(view, name)).OfType<RoleAnswer>().ToList();
        PolicyChanges.Tag(call.Http, policy.Revision, call.Form);
        await replies.Json(
            call.Http,
            StatusCodes.Status200OK,
            new WhoamiAnswer(
                actor.Name, actor.Credential, policy.IsEnabled, binding?.Name, binding?.IsDisabled ?? false, roles, policy.Revision),
            ApiJson.Default.WhoamiAnswer,
            view.Revision);
    }

    /// <summary>POST of <c>/v1/auth/check</c>: by roles alone; whose a hold or a lease is stands elsewhere.</summary>
    public async Task CheckAsync(ApiCall call)
    {
        if (!ReadOptions.TryRead(call.Query, out var options, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        if (await changes.ReadBodyAsync(call) is not { } body)
        {
            return;
        }
        var read = await reads.ReadAsync(call, options, Access.ToCluster(SystemRights.Administer));
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
            return;
        }
        if (AccessRequests.ReadCheck(body, out var sentence) is not var (principal, access))
        {
            await replies.Problem(call.Http, Problem.BadRequest(sentence!));
            return;
        }
        var denial = view.Policy.AsEnabled.Judge(new Actor(principal, ""), [access]);
        await replies.Json(
            call.Http,
            StatusCodes.Status200OK,
            new AccessCheckAnswer(
                denial is null, denial is { } why ? AccessShapes.Of(why) : null, view.Policy.IsEnabled, view.Policy.Revision),
            ApiJson.Default.AccessCheckAnswer,
            view.Revision);
    }

    /// <summary>POST of <c>/v1/auth/enable</c>. Whoever asks stays an administrator, unless it names another.</summary>
    public async Task EnableAsync(ApiCall call)
    {
        if (await changes.ReadBodyAsync(call) is not { } body)
        {
            return;
        }
        // Who asks at the socket is an administrator for ever, to whom nothing has to be bound.
        var isLocal = call.Actor.Credential == Actor.LocalCredential;
        var isKnown = knowsCallers || call.Actor.Credential.Length > 0;
        var admin = AccessRequests.ReadOneText(body, "admin"u8, out var sentence) ?? (isLocal ? "" : call.Actor.Name);
        if (sentence is not null || !isKnown)
        {
            await replies.Problem(call.Http, sentence is null ? KnowsNobody : Problem.BadRequest(sentence));
            return;
        }
        await changes.ChangeAsync(call, body, new EnableAuthCommand(admin), "rights are judged from here on");
    }
}
