using Consensus.Api;
using Consensus.Api.Cluster;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Membership;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.Translation;

namespace Consensus.Server.Cluster;

/// <summary>
/// Adds, promotes and removes members. Each request is idempotent by itself: asked again after it was done, it finds the cluster that way and succeeds. So none
/// needs an identity.
/// </summary>
internal sealed class MemberEndpoints(IConsensusNode node, MemberLookup lookup, Replies replies, ILogger logger)
{
    public async Task AddAsync(ApiCall call)
    {
        var http = call.Http;
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (MemberRequests.ReadAdd(body, out var sentence) is not var (name, role))
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var (members, unknown) = await lookup.ForChangeAsync(call);
        if (unknown is not null)
        {
            await replies.Problem(http, unknown);
            return;
        }
        if (node.Joiners.FirstOrDefault(waiting => waiting.Name == name) is not { } joiner)
        {
            await AnswerWithoutJoiner(http, members, name, role);
            return;
        }
        if (joiner.WaitsForName)
        {
            await AnswerWhoWaitsForItsName(http, members, name);
            return;
        }
        var member = new Member(joiner.Member, joiner.Name, joiner.PeerAddress);
        var answer = await ChangeAsync(call, new AddMember(member, role == WantedRole.Voter));
        if (answer is { Kind: AnswerKind.Done })
        {
            var isNew = answer.Verdict == ChangeVerdict.Appended;
            await AnswerMember(http, AsMember(joiner, role), isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
            return;
        }
        await replies.Problem(http, ProblemOf(answer));
    }

    public async Task UpdateAsync(ApiCall call)
    {
        var http = call.Http;
        var (body, problem) = await RequestBody.ReadAsync(call, ApiLimits.MaxRequestBytes, "the request");
        if (problem is not null)
        {
            await replies.Problem(http, problem);
            return;
        }
        if (MemberRequests.ReadUpdate(body, out var sentence) is not { } update)
        {
            await replies.Problem(http, Problem.BadRequest(sentence!));
            return;
        }
        var (members, unknown) = await lookup.ForChangeAsync(call);
        if (unknown is not null)
        {
            await replies.Problem(http, unknown);
            return;
        }
        if (MemberLookup.Find(members, call.Name.ToString()) is not { } member)
        {
            await replies.Problem(http, MemberLookup.NoSuchMember(call.Name.ToString()));
            return;
        }
        if (update.Role == WantedRole.Learner)
        {
            await (member.IsVoter
                ? replies.Problem(http, Problem.BadRequest(
                    $"{member.Name} votes, and a voter does not become a learner again: remove it, then add it anew with an empty data directory"))
                : AnswerMember(http, member, StatusCodes.Status200OK));
            return;
        }
        var replaced = MemberId.None;
        if (update.Replaces is { } leaves)
        {
            if (MemberLookup.Resolve(members, leaves) is not { } id)
            {
                await replies.Problem(http, MemberLookup.NoSuchMember(leaves));
                return;
            }
            replaced = id;
        }
        var answer = await ChangeAsync(call, new PromoteMember(member.Id, replaced));
        await (answer.Kind == AnswerKind.Done
            ? AnswerMember(http, member with { IsVoter = true }, StatusCodes.Status200OK)
            : replies.Problem(http, ProblemOf(answer)));
    }

    public async Task RemoveAsync(ApiCall call)
    {
        var asked = call.Name.ToString();
        var (members, unknown) = await lookup.ForChangeAsync(call);
        if (unknown is not null)
        {
            await replies.Problem(call.Http, unknown);
            return;
        }
        if (MemberLookup.Resolve(members, asked) is not { } id)
        {
            await replies.Problem(call.Http, MemberLookup.NoSuchMember(asked));
            return;
        }
        var name = members.FirstOrDefault(member => member.Id == id)?.Name;
        var answer = await ChangeAsync(call, new RemoveMember(id));
        await (answer.Kind == AnswerKind.Done
            ? replies.Json(
                call.Http, StatusCodes.Status200OK, new MemberRemovedAnswer(id.ToString(), name), ApiJson.Default.MemberRemovedAnswer, node.Status.Revision)
            : replies.Problem(call.Http, ProblemOf(answer)));
    }

    private async Task<MembershipAnswer> ChangeAsync(ApiCall call, MembershipChange change)
    {
        var answer = await node.ChangeMembershipAsync(change with { Principal = call.Actor.Principal });
        if (answer is { Kind: AnswerKind.Done, Verdict: ChangeVerdict.Appended })
        {
            logger.LogWarning("membership changed: {Change}, asked for by {Client}", Describe(change), Caller.Of(call, node));
        }
        return answer;
    }

    private static string Describe(MembershipChange change) => change switch
    {
        AddMember add => $"{add.Member.Name} ({add.Member.Id}) was added as a {(add.AsVoter ? "voter" : "learner")}",
        PromoteMember { Replaces.IsNone: true } promote => $"{promote.Member} votes",
        PromoteMember promote => $"{promote.Member} votes in the place of {promote.Replaces}",
        RemoveMember remove => $"{remove.Member} was removed",
        _ => Invariant.Unreachable<string>(change),
    };

    /// <summary>Nothing is proposed: the process may have ended when it heard that its name is taken, and whoever is started after it under that name would be a stranger to its member.</summary>
    private Task AnswerWhoWaitsForItsName(HttpContext http, IReadOnlyList<MemberStatus> members, string name) =>
        replies.Problem(http, members.Any(member => member.Name == name)
            ? new Problem(
                ProblemTypes.PreconditionFailed,
                $"a member with another data directory has the name {name}: if that one is lost, remove it first (consensusctl members remove {name})")
            : new Problem(ProblemTypes.NotReady, $"{name} asked to join while a member had its name; if it still runs it asks again within seconds, and can be added then")
            {
                RetryAfterSeconds = 1,
            });

    /// <summary>Nobody of that name waits: either it is a member by now, or it was never seen.</summary>
    private async Task AnswerWithoutJoiner(HttpContext http, IReadOnlyList<MemberStatus> members, string name, WantedRole role)
    {
        if (members.FirstOrDefault(member => member.Name == name) is { } present)
        {
            await (WhyNotAsAsked(present, role) is { } sentence
                ? replies.Problem(http, new Problem(ProblemTypes.PreconditionFailed, sentence))
                : AnswerMember(http, present, StatusCodes.Status200OK));
            return;
        }
        var joiners = node.Joiners;
        var waiting = joiners.Count == 0 ? "nobody waits to join" : "these wait to join: " + string.Join(", ", joiners.Select(joiner => joiner.Name));
        var self = members.FirstOrDefault(member => member.IsSelf)?.PeerAddress ?? "HOST:PORT";
        await replies.Problem(http, Problem.NotFound(
            $"no process named \"{name}\" asked {node.Status.Name} to join ({waiting}); "
            + "start one on an empty directory, beyond loopback with --insecure (docs/membership.md): "
            + $"consensusd --name {name} --data-dir DIR --cluster-token TEXT --listen-peer IP:PORT --listen-client IP:PORT --join {self}"));
    }

    /// <summary>
    /// Null when what was asked for is so. Not when the member is silent: who adds a name that is dead wants another process in its place, and nothing was added.
    /// </summary>
    private static string? WhyNotAsAsked(MemberStatus present, WantedRole role) =>
        present.Health == MemberHealth.Silent
            ? $"{present.Name} is a member already, and does not answer: nothing was added; start consensusd --name {present.Name} on its data directory again, or, if that is lost, "
                + $"remove it (consensusctl members remove {present.Name}) and then add the new one"
        : role == WantedRole.Voter && !present.IsVoter ? $"{present.Name} is a member already, a learner: promote it (consensusctl members promote {present.Name})"
        : null;

    private static MemberStatus AsMember(JoiningMember joiner, WantedRole role) => new(
        joiner.Member,
        joiner.Name,
        IsVoter: role == WantedRole.Voter,
        IsSelf: false,
        IsLeader: false,
        ClientUrl: "",
        joiner.PeerAddress,
        MatchIndex: null,
        MemberHealth.Unknown);

    /// <summary>The member as the status shows it, which may lag behind the answer to the change: then as the change left it.</summary>
    private Task AnswerMember(HttpContext http, MemberStatus changed, int statusCode)
    {
        var status = node.Status;
        var member = status.Members.FirstOrDefault(present => present.Id == changed.Id) ?? changed;
        member = member with { IsVoter = member.IsVoter || changed.IsVoter };
        if (statusCode == StatusCodes.Status201Created)
        {
            http.Response.Headers.Location = $"{ApiRoutes.ClusterMembers}/{member.Id}";
        }
        return replies.Json(http, statusCode, ClusterEndpoints.AnswerOf(member, status), ApiJson.Default.MemberAnswer, status.Revision);
    }

    private static Problem ProblemOf(MembershipAnswer answer)
    {
        if (answer.Kind == AnswerKind.Unknown)
        {
            return new Problem(ProblemTypes.OutcomeUnknown, "the change was not finished in time; it may still be: GET /v1/cluster shows it, and asking again is safe");
        }
        if (answer.Reason != NotDoneReason.None)
        {
            return AnswerProblems.Of(answer.Kind, answer.Reason);
        }
        var detail = answer.Sentence.Length > 0 ? answer.Sentence + "; nothing was done" : "the change cannot be made now; nothing was done";
        return answer.Verdict switch
        {
            ChangeVerdict.NotAMember => Problem.NotFound(answer.Sentence),
            ChangeVerdict.NotLeader or ChangeVerdict.Transferring or ChangeVerdict.NotReady => Problem.NotReady(detail),
            _ => new Problem(ProblemTypes.PreconditionFailed, detail),
        };
    }
}
