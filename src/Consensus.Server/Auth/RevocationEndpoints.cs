using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Node;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary><c>/v1/auth/revocations</c>: certificates that are not believed any more, by their SHA-256.</summary>
internal sealed class RevocationEndpoints(IConsensusNode node, JudgedReads reads, PolicyChanges changes, Replies replies)
{
    /// <summary>Of one in an answer beside its note, about.</summary>
    private const int ItemBytes = 160;

    private static readonly Access Needed = Access.ToCluster(SystemRights.Administer);

    private static Problem NoFingerprint => Problem.BadRequest(
        $"the path does not name a certificate: the SHA-256 of it in {2 * PolicyNames.FingerprintBytes} hexadecimal digits "
        + "(openssl x509 -noout -fingerprint -sha256), with or without colons");

    public async Task ListAsync(ApiCall call)
    {
        if (!PolicyPage.TryRead(call, ListKind.Revocations, node.Moment.Cluster, out var page, out var refusal)
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
            view.ListRevocations(new Key(page.After.Span)),
            static item => ItemBytes + (2 * item.Note.Length),
            static item => item.Fingerprint.Memory.ToArray(),
            out var next);
        PolicyChanges.Tag(call.Http, revision, call.Form);
        var answer = new RevocationListAnswer([.. items.Select(item => AccessShapes.Of(item, revision))], revision, next);
        await replies.Json(call.Http, StatusCodes.Status200OK, answer, ApiJson.Default.RevocationListAnswer, view.Revision);
    }

    public async Task GetAsync(ApiCall call)
    {
        if (!TryReadFingerprint(call, out var fingerprint))
        {
            await replies.Problem(call.Http, NoFingerprint);
            return;
        }
        if (!ReadOptions.TryRead(call.Query, out var options, out var refusal))
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
        if (view.GetRevocation(fingerprint) is not { } revocation)
        {
            await replies.Problem(call.Http, Problem.NotFound("the certificate is not revoked", view.Revision));
            return;
        }
        PolicyChanges.Tag(call.Http, view.Policy.Revision, call.Form);
        await replies.Json(
            call.Http,
            StatusCodes.Status200OK,
            AccessShapes.Of(revocation, view.Policy.Revision),
            ApiJson.Default.RevocationAnswer,
            view.Revision);
    }

    public async Task PutAsync(ApiCall call)
    {
        if (!TryReadFingerprint(call, out var fingerprint))
        {
            await replies.Problem(call.Http, NoFingerprint);
        }
        else if (await changes.ReadBodyAsync(call) is { } body)
        {
            var note = AccessRequests.ReadOneText(body, "note"u8, out var sentence) ?? "";
            await (sentence is null
                ? changes.ChangeAsync(
                    call, body, new PutRevocationCommand(fingerprint, note), $"the certificate {Text(fingerprint)} was revoked")
                : replies.Problem(call.Http, Problem.BadRequest(sentence)));
        }
    }

    public Task DeleteAsync(ApiCall call) => TryReadFingerprint(call, out var fingerprint)
        ? changes.ChangeAsync(call, [], new DeleteRevocationCommand(fingerprint), $"the certificate {Text(fingerprint)} is believed again")
        : replies.Problem(call.Http, NoFingerprint);

    private static string Text(Key fingerprint) => Convert.ToHexStringLower(fingerprint.Bytes);

    private static bool TryReadFingerprint(ApiCall call, out Key fingerprint)
    {
        fingerprint = default;
        var text = call.Name.Length > 4 * PolicyNames.FingerprintBytes
            ? ""
            : call.Name.ToString().Replace(":", "", StringComparison.Ordinal);
        if (text.Length != 2 * PolicyNames.FingerprintBytes || !text.All(char.IsAsciiHexDigit))
        {
            return false;
        }
        fingerprint = Key.Own(Convert.FromHexString(text));
        return true;
    }
}
