using System.Diagnostics;
using System.IO.Compression;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Consensus.Client.Tests.PublicApi;

/// <summary>What <c>dotnet pack</c> makes of the client.</summary>
internal sealed class PackageTests
{
    private string _output = "";

    [SetUp]
    public void Start() => _output = Directory.CreateTempSubdirectory("consensus-pack-").FullName;

    [TearDown]
    public void Stop() => Directory.Delete(_output, recursive: true);

    [TestCase("Consensus.Client")]
    [TestCase("Consensus.Client.Testing")]
    public async Task A_package_has_its_documentation_readme_licence_and_symbols(string project)
    {
        await PackAsync(project);

        using var package = ZipFile.OpenRead(Directory.GetFiles(_output, "*.nupkg").Single());
        var names = package.Entries.Select(entry => entry.FullName).ToList();
        Assert.That(names, Is.SupersetOf(new[] { $"lib/net10.0/{project}.dll", $"lib/net10.0/{project}.xml", "README.md" }));
        var metadata = await MetadataAsync(package);
        Assert.That(metadata.Elements().Single(element => element.Name.LocalName == "license").Value, Is.EqualTo("Apache-2.0"));
        Assert.That(metadata.Elements().Single(element => element.Name.LocalName == "readme").Value, Is.EqualTo("README.md"));
        Assert.That(metadata.Elements().Single(element => element.Name.LocalName == "description").Value, Does.Contain("Consensus"));
        using var symbols = ZipFile.OpenRead(Directory.GetFiles(_output, "*.snupkg").Single());
        Assert.That(symbols.Entries.Select(entry => entry.FullName), Does.Contain($"lib/net10.0/{project}.pdb"));
    }

    [Test]
    public async Task The_clients_package_depends_on_no_server()
    {
        await PackAsync("Consensus.Client");

        using var package = ZipFile.OpenRead(Directory.GetFiles(_output, "*.nupkg").Single());
        var dependencies = (await MetadataAsync(package)).Descendants().Where(element => element.Name.LocalName == "dependency").Select(element => element.Attribute("id")!.Value);

        Assert.That(
            dependencies.Where(id => id is not ("Consensus.Api" or "Consensus.Security" or "Polly" or "MessagePack")
                && !id.EndsWith(".Abstractions", StringComparison.Ordinal)),
            Is.Empty);
    }

    private static async Task<XElement> MetadataAsync(ZipArchive package)
    {
        await using var stream = await package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).OpenAsync();
        var document = await XDocument.LoadAsync(stream, LoadOptions.None, CancellationToken.None);
        return document.Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    private async Task PackAsync(string project, [CallerFilePath] string here = "")
    {
        var configuration = typeof(PackageTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "src", project));
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "pack", folder, "--no-build", "-c", configuration, "-o", _output, "-nodeReuse:false" })
        {
            start.ArgumentList.Add(argument);
        }
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, await output + await error);
    }
}
