using Consensus.Client;
using Consensus.Samples.LeaderElectedWorker;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// Several of these run; one works at a time. Usage: LeaderElectedWorker NAME
var name = args is [var given] ? given : Environment.MachineName;

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var endpoints = Environment.GetEnvironmentVariable("CONSENSUS_ENDPOINTS") ?? "127.0.0.1:7379";
if (Environment.GetEnvironmentVariable("CONSENSUS_TLS") is { Length: > 0 } bundle)
{
    builder.Services.AddConsensusClient(endpoints, new ClientTls(bundle));
}
else
{
    builder.Services.AddConsensusClient(endpoints);
}

// How long the others wait after this process died. When it is told to stop, it resigns, and they need not wait at all.
builder.Services.AddLeaderElectedHostedService<Worker>(Worker.Election, new LeaderElectedOptions { Candidate = name, Ttl = TimeSpan.FromSeconds(5) });

await builder.Build().RunAsync();
