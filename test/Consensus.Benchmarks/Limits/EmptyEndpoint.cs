using System.Globalization;
using System.Net;
using Consensus.Benchmarks.Clusters;
using Consensus.Benchmarks.Generator;
using Consensus.Benchmarks.Http;
using Consensus.Benchmarks.Load;
using Consensus.Benchmarks.Workloads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Consensus.Benchmarks.Limits;

/// <summary>What Kestrel alone costs: one process that answers every request with two bytes, under the same generator.</summary>
internal static class EmptyEndpoint
{
    /// <summary>The hidden command by which this program starts itself as the server.</summary>
    public const string Command = "serve-empty";

    private static readonly byte[] Answer = "ok"u8.ToArray();

    /// <summary>Serves until the process is ended.</summary>
    public static void Serve(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Logging.ClearProviders();
        using var application = builder.Build();
        application.Run(context =>
        {
            context.Response.ContentLength = Answer.Length;
            return context.Response.Body.WriteAsync(Answer).AsTask();
        });
        application.Run();
    }

    public static IEnumerable<Measurement> Measure(BenchOptions options, string runDirectory)
    {
        var port = FreePorts.Next();
        var program = Environment.ProcessPath ?? throw new BenchException("the path of this program is unknown");

        // The server is to run as .NET runs servers by default, not with the generator's settings.
        var environment = new Dictionary<string, string> { ["DOTNET_TieredCompilation"] = "1", ["DOTNET_gcConcurrent"] = "1" };
        using var server = ServerProcess.Start(
            program,
            [Command, port.ToString(CultureInfo.InvariantCulture)],
            Path.Combine(runDirectory, "empty-endpoint.log"),
            environment);
        var host = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");
        for (var attempt = 0; !ControlClient.IsSuccess($"http://{host}/"); attempt++)
        {
            if (server.HasExited || attempt > 500)
            {
                throw new BenchException($"the empty endpoint does not serve. The end of its log:\n{server.LogTail()}");
            }

            Thread.Sleep(20);
        }

        foreach (var clients in options.Clients)
        {
            yield return Measure(server, new IPEndPoint(IPAddress.Loopback, port), clients, TimeSpan.FromSeconds(Math.Min(3, options.Seconds)));
        }
    }

    private static Measurement Measure(ServerProcess server, IPEndPoint endpoint, int clients, TimeSpan window)
    {
        var before = TimeSpan.Zero;
        var cpu = TimeSpan.Zero;
        var resident = 0L;
        var request = RequestWriter.Build("GET", "/", endpoint.ToString());
        using var generator = new LoadGenerator([endpoint], [.. Enumerable.Range(0, clients).Select(_ => new FixedRequestScript(request))]);
        var result = generator.Run(
            TimeSpan.FromSeconds(1),
            window,
            () => before = server.CpuTime(),
            () =>
            {
                cpu = server.CpuTime() - before;
                resident = server.ResidentBytes();
            });
        return Measurer.Describe("kestrel", "empty", clients, round: 1, result, cpu, resident);
    }
}
