namespace Consensus.Server.Hosting;

/// <summary>
/// Loggers that can be used while the web host, which brings the real ones, is still being put together: what is logged until then is kept, and told in order once
/// <see cref="Provide"/> was called.
/// </summary>
internal sealed class EarlyLoggers : ILoggerFactory
{
    private readonly Lock _lock = new();
    private readonly Queue<Action> _kept = new();
    private ILoggerFactory? _loggers;

    public void Provide(ILoggerFactory loggers)
    {
        lock (_lock)
        {
            _loggers = loggers;
            while (_kept.TryDequeue(out var log))
            {
                log();
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => new EarlyLogger(this, categoryName);

    /// <summary>Providers are the web host's.</summary>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
        // The real ones are the web host's too.
    }

    private sealed class EarlyLogger(EarlyLoggers early, string category) : ILogger
    {
        private ILogger? _logger;

        private ILogger? Real => _logger ??= early._loggers?.CreateLogger(category);

        public bool IsEnabled(LogLevel logLevel) => Real?.IsEnabled(logLevel) ?? true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => Real?.BeginScope(state);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (early._lock)
            {
                if (Real is { } logger)
                {
                    logger.Log(logLevel, eventId, state, exception, formatter);
                }
                else
                {
                    early._kept.Enqueue(() => Real!.Log(logLevel, eventId, state, exception, formatter));
                }
            }
        }
    }
}
