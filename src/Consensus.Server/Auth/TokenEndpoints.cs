using System.Text;
using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Node;
using Consensus.Security.Tokens;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.Server.Tokens;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>
/// <c>/v1/auth/tokens</c>: an administrator's, but that a holder may have another in the place of its own, look at those of its family, and
/// end its own. No answer has a secret or its hash, but the one that makes a token here.
/// </summary>
internal sealed class TokenEndpoints(IConsensusNode node, JudgedReads reads, PolicyChanges changes, Replies replies, TokenJudge tokens)
{
    /// <summary>Of a token that is not said to be for another time: 90 days.</summary>
    private const long UsualTtlSeconds = 90L * 24 * 3600;

    /// <summary>Of one in an answer beside its principal, about.</summary>
    private const int ItemBytes = 250;

    private static readonly Access Needed = Access.ToCluster(SystemRights.Administer);
    private static readonly Access NeededOfOwn = Access.ToCluster(SystemRights.KeepToken);

    private static Problem NoToken => Problem.BadRequest(
        $"the path does not name a token: its id has {BearerToken.IdLength} letters and digits, behind {BearerToken.Prefix} of the token");

    private static Problem Nameless => Problem.BadRequest(
        "the field \"principal\" is missing: without it a token is made in the place of the one that is asked with, and there is none");

    public async Task ListAsync(ApiCall call)
    {
        if (!PolicyPage.TryRead(call, ListKind.Tokens, node.Moment.Cluster, out var page, out var refusal)
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
            view.ListTokens(page.AfterText),
            static token => ItemBytes + (2 * token.Principal.Length),
            static token => Encoding.ASCII.GetBytes(token.Id),
            out var next);
        PolicyChanges.Tag(call.Http, revision, call.Form);
        var answer = new TokenListAnswer([.. items.Select(token => AccessShapes.Of(token, revision))], revision, next);
        await replies.Json(call.Http, StatusCodes.Status200OK, answer, ApiJson.Default.TokenListAnswer, view.Revision);
    }

    public async Task GetAsync(ApiCall call)
    {
        if (IdOf(call) is not { } id)
        {
            await replies.Problem(call.Http, NoToken);
            return;
        }
        if (!ReadOptions.TryRead(call.Query, out var options, out var refusal))
        {
            await replies.Problem(call.Http, refusal!);
            return;
        }
        // Whose family a token is of never changes, so that any policy tells it; a holder may see those of its own.
        var family = Own(call)?.Family;
        var isOwn = family is not null && (id == family || node.Policy.FindToken(id)?.Family == family);
        var read = await reads.ReadAsync(call, options, isOwn ? NeededOfOwn : Needed);
        if (read.View is not { } view)
        {
            await replies.Problem(call.Http, read.Refusal!);
            return;
        }
        if (view.GetToken(id) is not { } token)
        {
            await replies.Problem(call.Http, Problem.NotFound("there is no such token, or not any more", view.Revision));
            return;
        }
        PolicyChanges.Tag(call.Http, view.Policy.Revision, call.Form);
        await replies.Json(
            call.Http,
            StatusCodes.Status200OK,
            AccessShapes.Of(token, view.Policy.Revision),
            ApiJson.Default.TokenAnswer,
            view.Revision);
    }

    /// <summary>A token that its holder has made, of whose secret no member hears before it is used.</summary>
    public async Task PutAsync(ApiCall call)
    {
        if (IdOf(call) is not { } id)
        {
            await replies.Problem(call.Http, NoToken);
        }
        else if (await changes.ReadBodyAsync(call) is { } body)
        {
            var asked = TokenRequest.Read(body, out var sentence);
            sentence ??= asked.Hash is { Length: 2 * PolicyNames.SecretBytes } hash && hash.All(char.IsAsciiHexDigit)
                ? null
                : "the field \"hash\" is not the SHA-256 of the secret in 64 hexadecimal digits";
            if (sentence is not null)
            {
                await replies.Problem(call.Http, Problem.BadRequest(sentence));
            }
            else if (CommandFor(call, asked, id, Key.Own(Convert.FromHexString(asked.Hash!))) is var (command, holder))
            {
                await changes.ChangeAsync(call, body, command, $"the token {id} was made, of {holder}");
            }
            else
            {
                await replies.Problem(call.Http, Nameless);
            }
        }
    }

    /// <summary>A token that is made here, and told once.</summary>
    public async Task MakeAsync(ApiCall call)
    {
        if (call.Http.Request.Headers.ContainsKey(ApiHeaders.IdempotencyKey) || call.Http.Request.Headers.ContainsKey(ApiHeaders.Session))
        {
            await replies.Problem(call.Http, Problem.BadRequest(
                $"the token is told once and kept nowhere, so that {ApiHeaders.IdempotencyKey} and {ApiHeaders.Session} are not taken: "
                + "put a token of your own making instead, which may be repeated"));
            return;
        }
        if (await changes.ReadBodyAsync(call) is not { } body)
        {
            return;
        }
        var asked = TokenRequest.Read(body, out var sentence);
        sentence ??= asked.Hash is null ? null : "the field \"hash\" is given, and the secret is to be made here";
        var made = BearerToken.Create();
        if (sentence is not null)
        {
            await replies.Problem(call.Http, Problem.BadRequest(sentence));
        }
        else if (CommandFor(call, asked, made.Id, new Key(made.SecretHash)) is not var (command, holder))
        {
            await replies.Problem(call.Http, Nameless);
        }
        else if (await changes.ExecuteAsync(call, body, command, $"the token {made.Id} was made, of {holder}") is { } changed)
        {
            var (notAfter, ttl) = command is RotateTokenCommand rotation
                ? (rotation.NotAfter, rotation.TtlSeconds)
                : (((PutTokenCommand)command).NotAfter, ((PutTokenCommand)command).TtlSeconds);
            await replies.Json(
                call.Http,
                StatusCodes.Status200OK,
                new TokenMadeAnswer(made.Text, made.Id, holder, AccessShapes.TimeOf(notAfter), ttl * 1_000, changed.PolicyRevision),
                ApiJson.Default.TokenMadeAnswer,
                changed.Revision);
        }
    }

    public async Task EndAsync(ApiCall call)
    {
        if (IdOf(call) is not { } id)
        {
            await replies.Problem(call.Http, NoToken);
        }
        else if (!call.Query.TryGetSwitch(QueryName.Only, out var only, out var refusal)
            || !call.Query.TryGetDuration(QueryName.After, ApiLimits.MaxTtlMicros, out var after, out refusal))
        {
            await replies.Problem(call.Http, refusal!);
        }
        else
        {
            var notAfter = after is { } micros ? NowSeconds + (micros / 1_000_000) : 0;
            TokenCommand command = only && call.Actor.TokenId == id
                ? new EndOwnTokenCommand(notAfter)
                : new RevokeTokenCommand(id, only, notAfter);
            var whole = only ? $"the token {id} ends" : $"the token {id} and its family end";
            await changes.ChangeAsync(call, [], command, notAfter == 0 ? whole : $"{whole} on {AccessShapes.TimeOf(notAfter)}");
        }
    }

    private long NowSeconds => tokens.Now.ToUnixTimeSeconds();

    /// <summary>The token that is asked with, as this member has it.</summary>
    private TokenInfo? Own(ApiCall call) => call.Actor.TokenId is { } own ? node.Policy.FindToken(own) : null;

    /// <summary>The command, and whose token it makes; null where nobody is named and none is shown.</summary>
    private (TokenCommand Command, string Holder)? CommandFor(ApiCall call, TokenRequest asked, string id, Key secret)
    {
        if (asked.Principal is { } principal)
        {
            var ttl = asked.TtlSeconds ?? UsualTtlSeconds;
            return (new PutTokenCommand(id, secret, principal, NowSeconds + ttl, ttl), principal);
        }
        if (Own(call) is not { } own)
        {
            return null;
        }
        var rotated = asked.TtlSeconds ?? own.TtlSeconds;
        return (new RotateTokenCommand(id, secret, NowSeconds + rotated, rotated), own.Principal);
    }

    /// <summary>Null where the path names no token.</summary>
    private static string? IdOf(ApiCall call) =>
        call.Name.Length == BearerToken.IdLength && Encoding.Latin1.GetString(call.Name.Bytes) is var id && PolicyNames.IsTokenId(id) ? id : null;
}
