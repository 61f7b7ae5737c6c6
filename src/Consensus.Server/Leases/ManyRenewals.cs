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
    public async ValueTask<CommandAnswer> ExecuteAsync(RequestMark mark, ImmutableArray<LeaseId> ids)
    {
        var parts = ids.Chunk(LeasesOfCommand).Select(part => new RenewLeasesCommand([.. part]));
        return Join(await Task.WhenAll(parts.Select(part => commands.ExecuteAsync(mark, part).AsTask()).ToList()));
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
            : new CommandAnswer(AnswerKind.Unknown, null, NotDoneReason.None, answers[0].Request);
    }
}
