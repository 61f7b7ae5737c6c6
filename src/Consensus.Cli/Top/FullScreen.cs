using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Consensus.Cli.Top;

/// <summary>
/// The terminal as one picture that is drawn over and over: on the alternate screen, so that what was there comes back, and in one write each, so that nothing flickers.
/// Disposing it gives the terminal back as it was.
/// </summary>
internal sealed class FullScreen : IDisposable
{
    private const string Enter = "\u001b[?1049h\u001b[?25l";
    private const string Leave = "\u001b[?25h\u001b[?1049l";

    // Terminals that know it show the frame when it is whole; others pass over it.
    private const string BeginFrame = "\u001b[?2026h\u001b[H";
    private const string EndFrame = "\u001b[J\u001b[?2026l";
    private const string EraseToEndOfLine = "\u001b[K";

    /// <summary>SIGWINCH by its number on Linux.</summary>
    private const int WindowChanged = 28;

    private readonly CliEnvironment _environment;
    private readonly Termios? _keys;
    private readonly PosixSignalRegistration _resized;
    private int _isStale;

    public FullScreen(CliEnvironment environment)
    {
        _environment = environment;
        _keys = Termios.OneKeyAtATime();
        _resized = PosixSignalRegistration.Create((PosixSignal)WindowChanged, _ => Volatile.Write(ref _isStale, 1));
        environment.Output.Write(Enter);
    }

    /// <summary>Columns and rows now.</summary>
    public static (int Width, int Height) Size
    {
        get
        {
            var (width, height) = Termios.WindowSize() ?? (80, 24);
            return (Math.Max(20, width), Math.Max(5, height));
        }
    }

    /// <summary>Begins to read keys; ends when q is typed. Never without a terminal to type on.</summary>
    public Task WaitForQuit() => _keys is null ? Task.Delay(Timeout.Infinite) : Task.Factory.StartNew(ReadKeys, TaskCreationOptions.LongRunning);

    /// <summary>Whether something asks for the picture to be drawn anew; asked once for each.</summary>
    public bool TakeStale() => Interlocked.Exchange(ref _isStale, 0) != 0;

    public void Draw(IReadOnlyList<ScreenLine> lines, int width, int height)
    {
        var frame = new StringBuilder(BeginFrame);
        for (var i = 0; i < Math.Min(lines.Count, height); i++)
        {
            // No line feed after the last line: it would scroll.
            frame.Append(i == 0 ? "" : "\r\n").Append(lines[i].Draw(width)).Append(EraseToEndOfLine);
        }
        _environment.Output.Write(frame.Append(EndFrame).ToString());
    }

    public void Dispose()
    {
        _resized.Dispose();
        _environment.Output.Write(Leave);
        _keys?.Dispose();
    }

    /// <summary>From the descriptor itself: the console's stream reads whole lines, edits and echoes them.</summary>
    private void ReadKeys()
    {
        using var input = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
        var key = new byte[1];
        while (input.Read(key) == 1 && key[0] is not ((byte)'q' or (byte)'Q'))
        {
            Volatile.Write(ref _isStale, 1);
        }
    }
}
