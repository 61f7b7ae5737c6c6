using System.Collections.Immutable;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Leases;

/// <summary>
/// Renews many leases as several commands, all at once: each is small enough to pass bulk (<see cref="Urgency"/>), and no turn is long by
/// it. They need not be one: a renewal that is done twice, or of some leases and not of others, does no harm.
/// </summary>
internal sealed class ManyRenewals(CommandRunner commands)
{
    /// <summary>Nine bytes each, with room for the longest <c>Idempotency-Key</c>.</summary>
    public const int LeasesOfCommand = 800;

    /// <returns>As of one command that renews them all in this order. Unknown where some were renewed, perhaps, and others not.</returns>
    public async ValueTask<CommandAnswer> ExecuteAsync(RequestMark mark, ImmutableArray<LeaseId> ids) =>
        Join(await Task.WhenAll(ids.Chunk(LeasesOfCommand).Select(part => RenewAsync(mark, part)).ToList()));

    /// <summary>In one command, unless they carry more holds than one judges: then what is left over goes into the next.</summary>
    private async Task<CommandAnswer> RenewAsync(RequestMark mark, LeaseId[] ids)
    {
        var renewals = new List<LeaseRenewal>(ids.Length);
        while (true)
        {
            var answer = await commands.ExecuteAsync(mark, new RenewLeasesCommand([.. ids[renewals.Count..]]));
            if (answer.Outcome is not LeasesRenewed renewed)
            {
                return renewals.Count == 0 ? answer : Partly(answer);
            }
            renewals.AddRange(renewed.Renewals.TakeWhile(static renewal => !renewal.IsLeft));
            if (renewals.Count == ids.Length)
            {
                return answer with { Outcome = renewed with { Renewals = [.. renewals] } };
            }
        }
    }

    /// <param name="answers">At least one.</param>
    public static CommandAnswer Join(IReadOnlyList<CommandAnswer> answers)
    {
        if (answers.Count == 1 || answers.All(static answer => answer.Kind == AnswerKind.NotDone))
        {
            return answers[0];
        }
        var done = answers.Where(static answer => answer.Kind == AnswerKind.Done).ToList();
        var renewed = done.Select(static answer => answer.Outcome).OfType<LeasesRenewed>().ToList();
        if (renewed.Count == answers.Count)
        {
            var revision = new Revision(renewed.Max(static part => part.Revision.Value));
            return answers[0] with { Outcome = new LeasesRenewed(revision, [.. renewed.SelectMany(static part => part.Renewals)]) };
        }

        // What refuses one for what it asks for refuses all. Where it did not, "nothing was done" would be said of what was.
        return renewed.Count == 0 && done.Count == answers.Count
            ? answers[0]
            : Partly(answers[0]);
    }

    private static CommandAnswer Partly(in CommandAnswer one) => new(AnswerKind.Unknown, null, NotDoneReason.None, one.Request);
}
