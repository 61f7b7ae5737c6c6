using System.CommandLine;
using Consensus.Cli.Parsing;
using Consensus.Cli.Status;
using Consensus.Cli.Top;

namespace Consensus.Cli.Commands;

/// <summary><c>top</c>: the cluster, live, until q or Ctrl-C; with <c>-o json</c> one document of what happened in one interval.</summary>
internal static class TopCommand
{
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>How soon a changed size is noticed.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    public static Command Create(CommandHost host)
    {
        var interval = Durations.Option("--interval", "How often to look (1s; at least 200ms).");
        var command = new Command("top", "Shows the cluster live: rates, a row for each member, and what is wrong. q quits.") { interval };
        host.Bind(
            command,
            async (parsed, session) =>
            {
                var every = parsed.GetValue(interval) ?? DefaultInterval;
                return session.Format == OutputFormat.Json ? await OnceAsync(session, every) : await LiveAsync(session, every);
            },
            parsed => parsed.GetValue(interval) < ShortestInterval ? "--interval is at least 200ms." : null,
            endsWithItsReader: true);
        return command;
    }

    private static async Task<int> OnceAsync(CommandSession session, TimeSpan interval)
    {
        var clock = session.Environment.Clock;
        var start = clock.GetTimestamp();
        var before = await SampleAsync(session, start);
        await Task.Delay(interval, clock, session.Cancellation);
        var view = new TopView(before, await SampleAsync(session, start));
        session.WriteJson(TopJson.Of(view).ToJsonString());
        return view.Diagnosis.CanServe ? ExitCode.Done : ExitCode.Unreachable;
    }

    private static async Task<int> LiveAsync(CommandSession session, TimeSpan interval)
    {
        if (!session.Environment.OutputIsTerminal)
        {
            throw new UsageException("top draws on a terminal, and standard output is none; -o json prints one document.");
        }
        using var screen = new FullScreen(session.Environment);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(session.Cancellation);
        var quit = screen.WaitForQuit();
        var drawing = DrawAsync(session, screen, interval, ending.Token);
        await Task.WhenAny(quit, drawing);
        await ending.CancelAsync();
        try
        {
            await drawing;
        }
        catch (OperationCanceledException) when (!session.Cancellation.IsCancellationRequested)
        {
            // q.
        }
        return ExitCode.Done;
    }

    /// <summary>A sample is taken while the last one is shown, so a member that hangs never freezes the picture.</summary>
    private static async Task DrawAsync(CommandSession session, FullScreen screen, TimeSpan interval, CancellationToken cancellationToken)
    {
        var clock = session.Environment.Clock;
        var start = clock.GetTimestamp();
        TopView? view = null;
        while (true)
        {
            var due = clock.GetElapsedTime(start) + interval;
            var sampling = SampleAsync(session with { Cancellation = cancellationToken }, start);
            await ShowAsync(screen, view, interval, sampling, cancellationToken);
            view = new TopView(view?.Now, await sampling);
            var rest = due - clock.GetElapsedTime(start);
            await ShowAsync(screen, view, interval, rest > TimeSpan.Zero ? Task.Delay(rest, clock, cancellationToken) : Task.CompletedTask, cancellationToken);
        }
    }

    /// <summary>Shows one picture until then, anew whenever the terminal's size changed or a key was hit.</summary>
    private static async Task ShowAsync(FullScreen screen, TopView? view, TimeSpan interval, Task until, CancellationToken cancellationToken)
    {
        Draw(screen, view, interval);
        while (!until.IsCompleted)
        {
            await Task.WhenAny(until, Task.Delay(LookEvery, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
            if (screen.TakeStale())
            {
                Draw(screen, view, interval);
            }
        }
    }

    private static void Draw(FullScreen screen, TopView? view, TimeSpan interval)
    {
        var (width, height) = FullScreen.Size;
        screen.Draw(view is null ? [new ScreenLine("asking the members…")] : TopScreen.Lines(view, width, interval), width, height);
    }

    private static async Task<TopSample> SampleAsync(CommandSession session, long start)
    {
        var report = await ClusterSurvey.RunAsync(session.Options, session.Cancellation);
        return new TopSample(report, session.Environment.Clock.GetElapsedTime(start));
    }
}
