using System.Globalization;
using Consensus.Api.Problems;
using Consensus.Client.Holding;
using Consensus.Client.Sessions;
using Consensus.Client.Transport;

namespace Consensus.Client;

/// <summary>The client of a Consensus cluster: see <see cref="IConsensusClient"/>. One for a program is enough.</summary>
public sealed partial class ConsensusClient : IConsensusClient
{
    private readonly IConsensusApi _api;
    private readonly HoldOrders _orders;
    private readonly TimeProvider _time;
    private readonly HoldKeeper _keeper;
    private readonly Withdrawals _withdrawals;
    private readonly ClientSessions _sessions;
    private readonly ClientWrites _writes;
    private readonly Acquirer _acquirer;

    /// <summary>A client that connects as it is used.</summary>
    public ConsensusClient(ConsensusClientOptions options)
        : this(new ConsensusApiClient(options), options)
    {
    }

    /// <param name="endpoints">Client addresses of members, at least one.</param>
    public ConsensusClient(params Uri[] endpoints)
        : this(new ConsensusClientOptions { Endpoints = endpoints })
    {
    }

    internal ConsensusClient(IConsensusApi api, ConsensusClientOptions options)
    {
        WellFormed.Text(options.ClientName);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.SessionTtl ?? TimeSpan.MaxValue, TimeSpan.Zero, nameof(options));
        _api = api;
        _orders = new HoldOrders(api, options.ClientName);
        _time = options.TimeProvider;
        _keeper = new HoldKeeper(options.TimeProvider, options.LoggerFactory?.CreateLogger(typeof(ConsensusClient).FullName!));
        _withdrawals = new Withdrawals(api, options.LastPatience);
        _sessions = new ClientSessions(api, _keeper, _withdrawals, options.SessionTtl);
        _writes = new ClientWrites(api, _sessions);
        _acquirer = new Acquirer(_keeper, _withdrawals, _sessions, options.TimeProvider, options.AnswerGrace);
    }

    /// <summary>
    /// Handles that are still held are told to be lost: nobody renews them any more. Dispose of them first. What is being asked for ends,
    /// and is taken back should it have been granted: that is waited for, for two seconds at most. So is the end of the client's session;
    /// where handles were not given back, it ends by its TTL.
    /// </summary>
    public void Dispose()
    {
        _withdrawals.Close();
        _sessions.Close();
        _keeper.Dispose();
        _withdrawals.Dispose();
        _api.Dispose();
    }

    /// <summary>The session under which the client's next write is sent; null while there is none.</summary>
    internal ClientSession? Session => _sessions.Current;

    /// <summary>For who needs the whole answer of a write.</summary>
    internal ClientWrites Writes => _writes;

    /// <summary>Ends when nothing is being taken back for who gave up; false: some of it could not be.</summary>
    internal Task<bool> WhenWithdrawnAsync() => _withdrawals.WhenDoneAsync();

    /// <inheritdoc/>
    public async Task PingAsync(CancellationToken cancellationToken = default)
    {
        var result = await _api.GetKeyAsync("consensus/ping", null, cancellationToken).ConfigureAwait(false);
        if (!result.Succeeded && result.Problem.Slug != ProblemTypes.NotFound.Slug)
        {
            throw new ConsensusException(result.Problem);
        }
    }

    /// <summary>Waits; the time being over is an exception here.</summary>
    private async Task<(TGrant Grant, KeptHold Hold)> AcquireAsync<TGrant>(HoldOrder<TGrant> order, TimeSpan? timeout, CancellationToken cancellationToken)
        where TGrant : class
    {
        var limit = Checked(timeout);
        var taken = await _acquirer.RunAsync(order, limit, cancellationToken).ConfigureAwait(false);
        if (taken.Succeeded)
        {
            return (taken.Grant, taken.Hold);
        }
        var why = taken.Problem is { } problem ? AttemptLog.Tell(problem) : "the grant came too late to be used, and was given back.";
        throw new TimeoutException(
            string.Create(CultureInfo.InvariantCulture, $"{order.What} was not granted within {(limit ?? default).TotalSeconds:0.###} s: {why}"),
            taken.Problem is null ? null : new ConsensusException(taken.Problem));
    }

    private async Task<(TGrant Grant, KeptHold Hold)?> TryAcquireAsync<TGrant>(HoldOrder<TGrant> order, TimeSpan timeout, CancellationToken cancellationToken)
        where TGrant : class
    {
        var taken = await _acquirer.RunAsync(order, Checked(timeout), cancellationToken).ConfigureAwait(false);
        return taken.Succeeded ? (taken.Grant, taken.Hold)
            : taken.Problem is null || taken.Problem.Slug == ProblemTypes.LockHeld.Slug ? null
            : throw new ConsensusException(taken.Problem);
    }

    /// <summary>Null: for ever, which <see cref="Timeout.InfiniteTimeSpan"/> says too.</summary>
    private static TimeSpan? Checked(TimeSpan? timeout)
    {
        if (timeout is not { } given || given == Timeout.InfiniteTimeSpan)
        {
            return null;
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(given, TimeSpan.Zero, nameof(timeout));
        return given;
    }

    private static T Value<T>(ApiResult<T> result) => result.Succeeded ? result.Value : throw new ConsensusException(result.Problem);
}
