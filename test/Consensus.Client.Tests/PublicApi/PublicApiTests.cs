using System.Reflection;
using System.Runtime.CompilerServices;
using Consensus.Client.Testing;

namespace Consensus.Client.Tests.PublicApi;

/// <summary>
/// What the client's packages give to their users is written down beside their projects, in PublicAPI.txt: a change of it is seen in review. CONSENSUS_REGENERATE=1 writes the
/// files anew. (The records of Consensus.Api are those of openapi/v1.json.)
/// </summary>
internal sealed class PublicApiTests
{
    private static readonly Assembly[] Packages = [typeof(ConsensusClient).Assembly, typeof(InMemoryCluster).Assembly];

    [TestCaseSource(nameof(Packages))]
    public void The_public_api_is_as_it_is_recorded(Assembly package)
    {
        var file = Path.Combine(Source(), package.GetName().Name!, "PublicAPI.txt");
        var lines = PublicApiText.Of(package);
        if (Environment.GetEnvironmentVariable("CONSENSUS_REGENERATE") == "1")
        {
            File.WriteAllLines(file, lines);
        }
        Assert.That(lines, Is.EqualTo(File.ReadAllLines(file)));
    }

    [Test]
    public void The_client_refers_to_no_server_and_to_abstractions_only()
    {
        var references = typeof(ConsensusClient).Assembly.GetReferencedAssemblies().Select(reference => reference.Name!);

        Assert.That(
            references.Where(name => !name.StartsWith("System.", StringComparison.Ordinal)),
            Is.SubsetOf(new[]
            {
                "Consensus.Api",
                "Consensus.Security",
                "MessagePack",
                "Microsoft.Extensions.DependencyInjection.Abstractions",
                "Microsoft.Extensions.Diagnostics.HealthChecks.Abstractions",
                "Microsoft.Extensions.Hosting.Abstractions",
                "Microsoft.Extensions.Logging.Abstractions",
                "Polly",
                "Polly.Core",
            }));
    }

    [Test]
    public void Every_asynchronous_method_of_the_client_can_be_cancelled()
    {
        var methods = typeof(IConsensusClient).GetMethods()
            .Concat(typeof(HoldHandle).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(HoldHandle)) || type == typeof(HoldHandle)).SelectMany(type => type.GetMethods()))
            .Where(method => method.Name.EndsWith("Async", StringComparison.Ordinal) && method.Name != nameof(IAsyncDisposable.DisposeAsync));

        Assert.That(methods.Where(method => method.GetParameters().LastOrDefault()?.ParameterType != typeof(CancellationToken)), Is.Empty);
    }

    private static string Source([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "src"));
}
