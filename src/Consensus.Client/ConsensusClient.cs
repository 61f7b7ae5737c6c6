using Consensus.Client.Holding;

namespace Consensus.Client;

/// <summary>The client of a Consensus cluster: see <see cref="IConsensusClient"/>. One for a program is enough.</summary>
public sealed partial class ConsensusClient : IConsensusClient
{
    private readonly IConsensusApi _api;
    private readonly string _clientName;
    private readonly HoldKeeper _keeper;
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
        _api = api;
        _clientName = options.ClientName;
        _keeper = new HoldKeeper(options.TimeProvider);
        _acquirer = new Acquirer(_keeper, options.TimeProvider, options.AttemptTimeout);
    }

    /// <summary>Handles that are still held are told to be lost: nobody renews them any more. Dispose of them first.</summary>
    public void Dispose()
    {
        _keeper.Dispose();
        _api.Dispose();
    }

    /// <inheritdoc/>
    public async Task PingAsync(CancellationToken cancellationToken = default)
    {
        var result = await _api.GetKeyAsync("consensus/ping", null, cancellationToken).ConfigureAwait(false);
        if (!result.Succeeded && result.Problem.Status != 404)
        {
            throw new ConsensusException(result.Problem);
        }
    }

    /// <summary>Waits; the time being over is an exception here.</summary>
    private async Task<(TGrant Grant, KeptHold Hold)> AcquireAsync<TGrant>(HoldOrder<TGrant> order, TimeSpan? timeout, CancellationToken cancellationToken)
        where TGrant : class
    {
        timeout = Checked(timeout);
        try
        {
            return await _acquirer.RunAsync(order, timeout, cancellationToken).ConfigureAwait(false)
                ?? throw new TimeoutException($"{order.What} was not granted within {timeout!.Value.TotalSeconds:0.###} s: others hold it.");
        }
        catch (ConsensusException error) when (timeout is not null && error.Problem.Kind != ApiFailureKind.Refused)
        {
            throw new TimeoutException($"{order.What} was not granted within {timeout.Value.TotalSeconds:0.###} s: {error.Message}", error);
        }
    }

    private Task<(TGrant Grant, KeptHold Hold)?> TryAcquireAsync<TGrant>(HoldOrder<TGrant> order, TimeSpan timeout, CancellationToken cancellationToken)
        where TGrant : class
    {
        return _acquirer.RunAsync(order, Checked(timeout), cancellationToken);
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
