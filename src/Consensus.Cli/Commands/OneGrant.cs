using Consensus.Cli.LockRun;
using Consensus.Cli.Output;
using Consensus.Client;
using Consensus.Client.Transport;

namespace Consensus.Cli.Commands;

/// <summary>
/// Asks once for something that is held from then on, and shows the grant. Nobody renews it and nobody but the reader of the output can give it back: so it is taken back when nobody will
/// read of it, whether the program is told to end, the time is over, or the output cannot be written.
/// </summary>
internal static class OneGrant
{
    public delegate Task<ApiResult<T>> Ask<T>(IConsensusApi api, RequestIdentity identity, CancellationToken cancellationToken);

    /// <param name="what">For sentences: "lock 'a'".</param>
    /// <param name="wait">How long it stands in line.</param>
    /// <exception cref="OperationCanceledException">The program was told to end; what was asked for was taken back, or it was said that it could not be.</exception>
    /// <exception cref="OutputFailedException">The grant could not be told; as above.</exception>
    public static async Task<int> ShowAsync<T>(CommandSession session, string what, TimeSpan wait, Ask<T> ask, Func<T, TextTable> table)
    {
        var identity = new RequestIdentity { Log = LogOf(session, what, wait) };
        ApiResult<T> result;
        try
        {
            result = await ask(session.Client, identity, session.Cancellation);
            session.Cancellation.ThrowIfCancellationRequested();
        }
        catch (OperationCanceledException)
        {
            if (!await TakeBackAsync(session, identity))
            {
                session.Environment.Error.WriteLine("consensusctl: " + Plain.OneLine(Withdrawal.Doubt(what)));
            }
            throw;
        }
        if (!result.Succeeded)
        {
            return session.Fail(await SettleAsync(session, identity, result.Problem));
        }
        try
        {
            return session.Show(result, table);
        }
        catch (IOException failure)
        {
            var end = await TakeBackAsync(session, identity) ? $"so {what} was given back" : $"and {what} could not be given back, so it ends with its lease";
            throw new OutputFailedException($"{failure.Message}, {end}", failure is OutputFailedException { ReaderIsGone: true });
        }
    }

    /// <summary>Who waits for a hold must not wait in silence for a cluster; who does not wait for it is told soon anyway.</summary>
    private static AttemptLog LogOf(CommandSession session, string what, TimeSpan wait) => wait > TimeSpan.Zero
        ? new AttemptLog { Heard = new Outage(what, session.Options.Endpoints.Count, session.Options.TimeProvider, session.Environment.Error).Heard }
        : new AttemptLog();

    /// <summary>The problem as it stands when what may have been granted was taken back.</summary>
    private static async Task<ApiProblem> SettleAsync(CommandSession session, RequestIdentity identity, ApiProblem problem)
    {
        if (!identity.IsInDoubt || !await TakeBackAsync(session, identity))
        {
            return problem;
        }
        var word = problem.RefusedSince ?? problem;
        return word.Kind == ApiFailureKind.OutcomeUnknown ? word with { Kind = ApiFailureKind.Unavailable } : word;
    }

    private static async Task<bool> TakeBackAsync(CommandSession session, RequestIdentity identity) =>
        !identity.IsInDoubt || await Withdrawal.TryAsync(session.Client, identity.Key);
}
