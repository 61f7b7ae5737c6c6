using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Consensus.Client.Hosting;

/// <summary>Stands for election for as long as the host runs, and runs the service while elected.</summary>
internal sealed partial class LeaderElectedHost<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TService>(
    IConsensusClient client,
    IServiceScopeFactory scopes,
    ILogger<LeaderElectedHost<TService>> logger,
    LeaderElectedElection election,
    LeaderElectedOptions options) : IHostedService, IDisposable
    where TService : class, IHostedService
{
    private readonly CancellationTokenSource _stopping = new();
    private CancellationToken _hurry;
    private Task _run = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _run = Task.Run(RunAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Returns when the service has stopped and leadership was given up.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _hurry = cancellationToken;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _run.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (client is ConsensusClient own)
        {
            // It may have been elected in the moment in which it stopped standing.
            Task withdrawn = own.WhenWithdrawnAsync();
            await withdrawn.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _stopping.Dispose();

    private async Task RunAsync()
    {
        var stopping = _stopping.Token;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var leadership = await client.CampaignAsync(election.Name, CampaignOptions(), null, stopping).ConfigureAwait(false);
                if (await LeadAsync(leadership, stopping).ConfigureAwait(false))
                {
                    continue;
                }
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (ObjectDisposedException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                LogFailed(election.Name, error);
            }
            await Task.Delay(options.RestartPause, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Runs the service until leadership is lost, the host stops, or it ends by itself; returns when it has stopped and leadership was given up.</summary>
    /// <returns>True when leadership was lost: there is no reason to wait before standing again.</returns>
    private async Task<bool> LeadAsync(LeadershipHandle leadership, CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, leadership.HandleLost);
        if (stopping.IsCancellationRequested || await ServeAsync(leadership, ending.Token).ConfigureAwait(false))
        {
            await leadership.DisposeAsync().ConfigureAwait(false);
        }
        else
        {
            // Another leader must not start while this one's work may still go on: leadership ends with its lease.
            leadership.Abandon();
        }
        if (leadership.LossReason is not { } reason)
        {
            return false;
        }
        LogLost(election.Name, reason);
        return true;
    }

    /// <summary>
    /// Runs the service in a scope of its own. When this returns, whatever was made in the scope has been disposed of, while the leadership was still held: what works until its very end,
    /// such as a service that flushes, does so as the leader.
    /// </summary>
    /// <returns>False when the service may still run, though it was told to stop; then nothing that it uses is disposed of.</returns>
    private async Task<bool> ServeAsync(LeadershipHandle leadership, CancellationToken ending)
    {
        LogElected(election.Name, leadership.FencingToken);
        // The scope disposes of what it has handed out, in an order of its own.
        leadership.IsLent = true;
        var scope = scopes.CreateAsyncScope();
        TService? service = null;
        try
        {
            scope.ServiceProvider.GetRequiredService<LeadershipScope>().Handle = leadership;
            service = ActivatorUtilities.CreateInstance<TService>(scope.ServiceProvider);
        }
        catch (Exception error)
        {
            LogFailed(election.Name, error);
        }
        if (service is not null)
        {
            await RunUntilAsync(service, ending).ConfigureAwait(false);
            if (!await HasStoppedAsync(service).ConfigureAwait(false))
            {
                LogStillRuns(election.Name);
                return false;
            }
            await DisposeAsync(service).ConfigureAwait(false);
        }
        await DisposeAsync(scope).ConfigureAwait(false);
        leadership.IsLent = false;
        return true;
    }

    /// <summary>Starts the service and waits for the end of its leadership or of its work.</summary>
    private async Task RunUntilAsync(TService service, CancellationToken ending)
    {
        try
        {
            await service.StartAsync(ending).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            if (!ending.IsCancellationRequested)
            {
                LogFailed(election.Name, error);
            }
            return;
        }
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = ending.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), over);
        await Task.WhenAny(WorkOf(service) ?? over.Task, over.Task).ConfigureAwait(false);
        if (!ending.IsCancellationRequested)
        {
            LogEnded(election.Name);
        }
    }

    /// <summary>
    /// Stops the service and waits until its work has ended: when leadership was lost for as long as it takes, so that there are never two of it in this process; when the host
    /// stops for as long as the host waits for anybody.
    /// </summary>
    private async Task<bool> HasStoppedAsync(TService service)
    {
        var hurry = _stopping.IsCancellationRequested ? _hurry : CancellationToken.None;
        try
        {
            await service.StopAsync(hurry).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (hurry.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception error)
        {
            LogFailed(election.Name, error);
        }
        if (WorkOf(service) is not { } work)
        {
            // Its word is all there is.
            return !hurry.IsCancellationRequested;
        }
        await work.WaitAsync(hurry).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (work.Exception is { } failure)
        {
            LogFailed(election.Name, failure.GetBaseException());
        }
        return work.IsCompleted;
    }

    private static Task? WorkOf(TService service) => (service as BackgroundService)?.ExecuteTask;

    /// <summary>What one disposal throws keeps neither the next nor the resignation from being done.</summary>
    private async Task DisposeAsync(object item)
    {
        try
        {
            switch (item)
            {
                case IAsyncDisposable asynchronous:
                    await asynchronous.DisposeAsync().ConfigureAwait(false);
                    break;
                case IDisposable disposable:
                    disposable.Dispose();
                    break;
                default:
                    break;
            }
        }
        catch (Exception error)
        {
            LogFailed(election.Name, error);
        }
    }

    private CampaignOptions CampaignOptions() => new()
    {
        Ttl = options.Ttl,
        SafetyMargin = options.StopMargin ?? options.Ttl / 4,
        Owner = options.Candidate,
        Value = options.Value,
        LockDelay = options.LockDelay,
    };

    [LoggerMessage(LogLevel.Information, "Elected in '{Election}' with fencing token {Token}; the service starts")]
    private partial void LogElected(string election, long token);

    [LoggerMessage(LogLevel.Warning, "The leadership of '{Election}' was lost: {Reason} The service has stopped")]
    private partial void LogLost(string election, string reason);

    [LoggerMessage(LogLevel.Information, "The leader's service of '{Election}' ended by itself; it resigns and stands again")]
    private partial void LogEnded(string election);

    [LoggerMessage(LogLevel.Error, "The leader's service of '{Election}' failed")]
    private partial void LogFailed(string election, Exception error);

    [LoggerMessage(LogLevel.Critical, "The leader's service of '{Election}' has not stopped though it was told to; leadership is not given up and ends with its lease")]
    private partial void LogStillRuns(string election);
}
