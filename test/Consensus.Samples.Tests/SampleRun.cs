using System.Diagnostics;
using System.Reflection;
using System.Text;

namespace Consensus.Samples.Tests;

/// <summary>A sample as its reader runs it: its script, and what it says.</summary>
internal sealed class SampleRun : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    /// <param name="script">Its path under <c>samples/</c>.</param>
    public SampleRun(string script, IEnumerable<Uri> endpoints, IReadOnlyDictionary<string, string>? variables = null)
    {
        var start = new ProcessStartInfo("bash") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(Metadata("SamplesDirectory"), script));
        start.Environment["CONSENSUS_ENDPOINTS"] = string.Join(',', endpoints.Select(endpoint => endpoint.GetLeftPart(UriPartial.Authority)));
        start.Environment["CONSENSUS_BUILT"] = "1";
        start.Environment["CONSENSUS_CONFIGURATION"] = Metadata("SamplesConfiguration");
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it has said up to now.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>Waits for its end, which must be a success.</summary>
    /// <returns>Its lines.</returns>
    public async Task<string[]> SucceedAsync()
    {
        using var deadline = Patience.Begin(steps: 5);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"The sample does not end. It said:\n{Output}");
        }
        Assert.That(_process.ExitCode, Is.Zero, Output);
        return Output.Split('\n');
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }
        _process.Dispose();
    }

    internal static string Metadata(string key) =>
        typeof(SampleRun).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;

    private void Keep(string? line)
    {
        if (line is not null)
        {
            lock (_output)
            {
                _output.Append(line).Append('\n');
            }
        }
    }
}
