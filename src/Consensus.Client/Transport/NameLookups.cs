using System.Net;
using System.Net.Sockets;

namespace Consensus.Client.Transport;

/// <summary>
/// Looks up the addresses of hosts. A resolver can be silent for minutes, and nothing ends what asks it: so each lookup has a thread of its own, which all share who ask for that name
/// meanwhile, and nobody waits for it longer than its attempt lasts. Thread-safe.
/// </summary>
/// <param name="resolve">Blocks until it knows; throws <see cref="SocketException"/>.</param>
internal sealed class NameLookups(Func<string, IPAddress[]> resolve)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Task<IPAddress[]>> _underWay = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>At least one address. Can wait for ever; fails with <see cref="SocketException"/>.</summary>
    public Task<IPAddress[]> LookUpAsync(string host)
    {
        if (IPAddress.TryParse(host, out var literal))
        {
            return Task.FromResult<IPAddress[]>([literal]);
        }
        var found = new TaskCompletionSource<IPAddress[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (!_underWay.TryAdd(host, found.Task))
            {
                return _underWay[host];
            }
        }
        new Thread(() => Run(host, found)) { IsBackground = true, Name = "consensus-name-lookup" }.Start();
        return found.Task;
    }

    /// <summary>As <see cref="LookUpAsync"/>, on the calling thread, without the thread pool.</summary>
    /// <exception cref="SocketException">The name has no address, or the resolver does not answer in time.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IPAddress[] LookUp(string host, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var lookup = LookUpAsync(host);
        try
        {
            return lookup.Wait(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero, cancellationToken) ? lookup.Result : throw new SocketException((int)SocketError.TimedOut);
        }
        catch (AggregateException e) when (e.InnerException is SocketException inner)
        {
            throw new SocketException(inner.ErrorCode);
        }
    }

    private void Run(string host, TaskCompletionSource<IPAddress[]> found)
    {
        IPAddress[] addresses = [];
        var failure = new SocketException((int)SocketError.HostNotFound);
        try
        {
            addresses = resolve(host);
        }
        catch (SocketException e)
        {
            failure = e;
        }
        catch (ArgumentException)
        {
            // Longer than a name of a host can be: nobody has it.
        }
        lock (_gate)
        {
            _underWay.Remove(host);
        }
        if (addresses.Length > 0)
        {
            found.SetResult(addresses);
            return;
        }
        found.SetException(failure);
        // Whoever asked may have given up: then nobody looks at it any more.
        _ = found.Task.Exception;
    }
}
