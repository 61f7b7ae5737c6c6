using Consensus.Api;
using Consensus.Api.Access;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Lists;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary><c>/v1/auth/revocations</c>: certificates that are not believed any more, clients' and members', by their SHA-256.</summary>
internal sealed class RevocationEndpoints(
    PolicyRecordReads records, JudgedReads reads, PolicyChanges changes, Replies replies, CertificatesInUse inUse)
{
    /// <summary>Of one in an answer beside its note, about.</summary>
    private const int ItemBytes = 160;

    private static Problem NoFingerprint => Problem.BadRequest(
        $"the path does not name a certificate: the SHA-256 of it in {2 * PolicyNames.FingerprintBytes} hexadecimal digits "
        + "(openssl x509 -noout -fingerprint -sha256), with or without colons");

    public Task ListAsync(ApiCall call) =>
        records.ListAsync(call, ListKind.Revocations, ApiJson.Default.RevocationListAnswer, static (view, page) =>
        {
            var revision = view.Policy.Revision;
            var items = page.Take(
                view.ListRevocations(new Key(page.After.Span)),
                static item => ItemBytes + (2 * item.Note.Length),
                static item => item.Fingerprint.Memory.ToArray(),
                out var next);
            return new RevocationListAnswer([.. items.Select(item => AccessShapes.Of(item, revision))], revision, next);
        });

    public Task GetAsync(ApiCall call) => TryReadFingerprint(call, out var fingerprint)
        ? records.GetAsync(
            call,
            ApiJson.Default.RevocationAnswer,
            view => view.GetRevocation(fingerprint) is { } revocation ? AccessShapes.Of(revocation, view.Policy.Revision) : null,
            "the certificate is not revoked")
        : replies.Problem(call.Http, NoFingerprint);

    public async Task PutAsync(ApiCall call)
    {
        if (!TryReadFingerprint(call, out var fingerprint))
        {
            await replies.Problem(call.Http, NoFingerprint);
        }
        else if (await changes.ReadBodyAsync(call) is { } body)
        {
            var note = AccessRequests.ReadOneText(body, "note"u8, out var sentence) ?? "";
            var problem = sentence is not null ? Problem.BadRequest(sentence)
                : !call.Query.TryGetSwitch(QueryName.Force, out var force, out var refusal) ? refusal
                : !force && inUse.UserOf(fingerprint) is { } member ? await InUseAsync(call, fingerprint, member)
                : null;
            await (problem is null
                ? changes.ChangeAsync(
                    call, body, new PutRevocationCommand(fingerprint, note), $"the certificate {Text(fingerprint)} was revoked")
                : replies.Problem(call.Http, problem));
        }
    }

    public Task DeleteAsync(ApiCall call) => TryReadFingerprint(call, out var fingerprint)
        ? changes.ChangeAsync(call, [], new DeleteRevocationCommand(fingerprint), $"the certificate {Text(fingerprint)} is believed again")
        : replies.Problem(call.Http, NoFingerprint);

    /// <summary>
    /// The refusal of a slip, once whoever asks may do it at all: null where it is done already, or where this request was asked before.
    /// </summary>
    private async ValueTask<Problem?> InUseAsync(ApiCall call, Key fingerprint, string member)
    {
        if (!RequestIdentity.TryRead(call, out var identity, out var refusal))
        {
            return refusal;
        }
        var read = await reads.ReadAsync(
            call, new ReadOptions(ReadConsistency.Linearizable, Revision.Zero), Access.ToCluster(SystemRights.Administer));
        return read.View is not { } view ? read.Refusal
            : view.Policy.IsRevoked(fingerprint) || RequestReads.Knows(view, call.Actor.Name, identity.Key, identity.Session) ? null
            : IsInUse(member);
    }

    private static Problem IsInUse(string member) => new(
        ProblemTypes.PreconditionFailed,
        $"the certificate is the one that the member {member} goes by, which would be cut off from the others: give it another first "
        + $"(consensusctl cert renew {member}), or remove the member, or say force=true (--force); nothing was done");

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
