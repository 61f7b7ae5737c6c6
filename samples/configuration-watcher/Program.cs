using System.Runtime.InteropServices;
using Consensus.Client;
using Consensus.Samples.ConfigurationWatcher;

// Follows the settings under a prefix: reads them once, then applies each change in order. Usage: ConfigurationWatcher PREFIX
var prefix = args[0];
var endpoints = (Environment.GetEnvironmentVariable("CONSENSUS_ENDPOINTS") ?? "http://127.0.0.1:7379").Split(',').Select(text => new Uri(text));
var tls = Environment.GetEnvironmentVariable("CONSENSUS_TLS") is { Length: > 0 } bundle ? new ClientTls(bundle) : null;
using var stopping = new CancellationTokenSource();
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stopping.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

using var client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [.. endpoints], Tls = tls });
var settings = new Settings(prefix);
while (true)
{
    try
    {
        var now = await client.ListAsync(prefix, cancellationToken: stopping.Token);
        settings.Replace(now);
        Console.WriteLine($"settings: {settings}");

        // From the revision after the one that was read: no change is missed between the two, and none comes twice. A broken connection is the client's business.
        var options = new WatchOptions { FromRevision = now.Revision + 1 };
        await foreach (var changes in client.WatchPrefixAsync(prefix, options, stopping.Token))
        {
            settings.Apply(changes);
            Console.WriteLine($"settings: {settings}");
        }
    }
    catch (WatchCompactedException)
    {
        Console.WriteLine("was away for too long; reads again");
    }
    catch (OperationCanceledException) when (stopping.IsCancellationRequested)
    {
        Console.WriteLine("stops");
        return;
    }
}
