using System.Text;
using Consensus.Cli;
using Consensus.Cli.Input;
using Consensus.Cli.LockRun;
using Consensus.Cli.Output;

// Plain streams: the console's own writers would set up the terminal, which belongs to the command that `lock run` starts. They keep nothing back, so there is nothing to flush
// at the end, where it would be too late to say that it failed.
var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
var output = StandardOutput.Open();
var text = new StreamWriter(output, utf8) { AutoFlush = true };
var error = new StreamWriter(StandardOutput.OpenError(), utf8) { AutoFlush = true };
var input = StandardInput.Open();
// Else a library that only asks what the console's writers are would set up the terminal.
Console.SetOut(text);
Console.SetError(error);

if (OperatingSystem.IsLinux())
{
    // In the background of a terminal the runtime's own touch of it (at SIGCONT, at the end) would stop this program: nobody would renew what it holds.
    _ = Libc.SetHandler(Libc.SigTtou, Libc.IgnoreSignal);
}

var signals = new ProgramSignals();
var app = new CliApp(new CliEnvironment(input, output, text, error, !Console.IsOutputRedirected, Environment.GetEnvironmentVariable)
{
    InputIsTerminal = !Console.IsInputRedirected,
    ReaderGone = StandardOutput.ReaderGone,
    ErrorIsTerminal = !Console.IsErrorRedirected,
    Signals = signals,
});
try
{
    return await app.RunAsync(GivenArguments.Read(args), signals.Stopping);
}
catch (OperationCanceledException) when (signals.Number != 0)
{
    return 128 + signals.Number;
}
catch (UsageException problem)
{
    await error.WriteLineAsync($"consensusctl: {Plain.OneLine(problem.Message)}");
    return ExitCode.Usage;
}
catch (Exception defect)
{
    await error.WriteLineAsync($"consensusctl: internal error, please report it: {defect.GetType().Name}: {defect.Message}");
    return ExitCode.Unknown;
}
