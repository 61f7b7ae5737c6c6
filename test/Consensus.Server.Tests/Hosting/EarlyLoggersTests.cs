using Consensus.Server.Hosting;
using Microsoft.Extensions.Logging;

namespace Consensus.Server.Tests.Hosting;

public sealed class EarlyLoggersTests
{
    [Test]
    public void What_is_logged_before_the_real_loggers_are_there_is_told_first_and_in_order()
    {
        using var early = new EarlyLoggers();
        using var real = new Recorder();
        var logger = early.CreateLogger("Consensus.Node");
        logger.Log(LogLevel.Information, "one");
        logger.Log(LogLevel.Warning, "two");
        Assert.That(real.Lines, Is.Empty);
        early.Provide(real);
        logger.Log(LogLevel.Information, "three");
        early.CreateLogger("Other").Log(LogLevel.Information, "four");
        Assert.That(
            real.Lines, Is.EqualTo(new[] { "Information Consensus.Node one", "Warning Consensus.Node two", "Information Consensus.Node three", "Information Other four" }));
    }

    private sealed class Recorder : ILoggerFactory
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => new Line(this, categoryName);

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }

        private sealed class Line(Recorder recorder, string category) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
                recorder.Lines.Add($"{logLevel} {category} {formatter(state, exception)}");
        }
    }
}
