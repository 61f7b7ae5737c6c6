using System.Net;
using Consensus.Api;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Primitives.Wire;
using Consensus.Server.Leases;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Wire;

namespace Consensus.Server.Tests.Leases;

/// <summary>A keep-alive of many leases is several commands, and one answer.</summary>
internal sealed class ManyRenewalTests : ContractTest
{
    private static readonly RequestId Request = new(new MemberId(1), 1, 1);

    [Test]
    public async Task Ten_thousand_leases_are_renewed_by_commands_of_some_hundreds_and_answered_in_the_order_asked()
    {
        using var granted = await SendAsync("POST", "/v1/leases", """{"ttl":"15s"}""");
        var alive = granted.Headers.Location!.OriginalString["/v1/leases/".Length..];
        var ids = Enumerable.Range(1, ApiLimits.MaxKeepAliveIds - 1).Select(id => new LeaseId(id).ToString()).Append(alive).ToList();
        var body = $$"""{"ids":["{{string.Join("\",\"", ids)}}"]}""";
        var before = Node.AppliedCommands;
        var answer = await AnswerAsync(ApiJson.Default.LeaseKeepAliveAnswer, HttpStatusCode.OK, "POST", "/v1/leases/keepalive", body);
        Assert.That(Node.AppliedCommands - before, Is.EqualTo(13));
        Assert.That(answer.Items.Select(item => item.Id), Is.EqualTo(ids));
        Assert.That(answer.Items.Count(item => item.Alive), Is.EqualTo(1));
        Assert.That(answer.Items[^1].Alive);
    }

    [Test]
    public void Each_of_these_commands_passes_bulk_whatever_identity_it_has()
    {
        var ids = Enumerable.Repeat(new LeaseId(long.MaxValue), ManyRenewals.LeasesOfCommand);
        var writer = new WireWriter();
        CommandCodec.Write(writer, new CommandEnvelope(new RenewLeasesCommand([.. ids]), new byte[128], new byte[32])
        {
            Principal = new string('p', 256),
            Session = new SessionRequest(new LeaseId(long.MaxValue), long.MaxValue, long.MaxValue - 1),
        });
        Assert.That(writer.Length, Is.LessThanOrEqualTo(Urgency.MaxBytes));
    }

    [Test]
    public void What_was_done_in_part_is_never_said_to_be_not_done()
    {
        var (done, none) = (Renewed(7, 1), new CommandAnswer(AnswerKind.NotDone, null, NotDoneReason.NoLeader, default));
        var unknown = new CommandAnswer(AnswerKind.Unknown, null, NotDoneReason.None, Request);
        var ended = new SessionRefused(new Revision(9), new LeaseId(1), SessionRefusal.Ended, 0);
        var refused = new CommandAnswer(AnswerKind.Done, ended, NotDoneReason.None, Request);
        Assert.That(ManyRenewals.Join([none, none]), Is.EqualTo(none));
        Assert.That(ManyRenewals.Join([refused, refused]), Is.EqualTo(refused));
        CommandAnswer[][] all = [[done, none], [none, done], [done, unknown], [unknown, none], [done, refused], [none, refused]];
        foreach (var mixed in all)
        {
            Assert.That(ManyRenewals.Join(mixed).Kind, Is.EqualTo(AnswerKind.Unknown));
        }
        var joined = (LeasesRenewed)ManyRenewals.Join([Renewed(9, 1, 2), Renewed(7, 3)]).Outcome!;
        var ids = string.Join(' ', joined.Renewals.Select(renewal => renewal.Id.Value));
        Assert.That((joined.Revision, ids), Is.EqualTo((new Revision(9), "1 2 3")));
    }

    private static CommandAnswer Renewed(long revision, params long[] ids) => new(
        AnswerKind.Done,
        new LeasesRenewed(new Revision(revision), [.. ids.Select(id => new LeaseRenewal(new LeaseId(id), 1, new ClusterTime(2)))]),
        NotDoneReason.None,
        Request);
}
