using System.Diagnostics;

namespace Consensus.Cli.Output;

/// <summary>
/// One line on standard error that says how far long work has come, and is gone when it is done. Nothing where standard error is no terminal.
/// </summary>
internal sealed class ProgressLine(CliEnvironment environment) : IDisposable
{
    private const string EraseLine = "\r\u001b[K";
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(100);

    private readonly bool _shown = environment.ErrorIsTerminal;
    private readonly Stopwatch _since = Stopwatch.StartNew();
    private TimeSpan _next;
    private bool _written;

    public TimeSpan Elapsed => _since.Elapsed;

    /// <summary>Shows a new text, if the last one was there for long enough.</summary>
    public void Say(Func<string> text)
    {
        if (_shown && _since.Elapsed >= _next)
        {
            environment.Error.Write(EraseLine + Plain.OneLine(text()));
            _written = true;
            _next = _since.Elapsed + Every;
        }
    }

    public void Dispose()
    {
        if (_written)
        {
            environment.Error.Write(EraseLine);
            _written = false;
        }
    }
}
