using Consensus.Security.Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Consensus.Client.Transport;

/// <summary>
/// What a file holds, which somebody replaces: it is read again when it is needed and a minute has passed, and when a member does not take
/// what was read. What cannot be used changes nothing, and is logged. Thread-safe.
/// </summary>
/// <param name="first">As it was read when this began.</param>
/// <param name="read">Reads it again; throws a <see cref="BundleException"/> that says why it cannot be used.</param>
internal sealed partial class FileContent<T>(T first, Func<T> read, Func<T, T, bool> isSame)
    where T : class
{
    /// <summary>So old the content may be when it is used for something new.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(60);

    /// <summary>So long a request waits for another one that reads the file: it may be on a disk that hangs.</summary>
    private static readonly TimeSpan LookPatience = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private volatile T _current = first;
    private volatile bool _isKept;
    private TimeProvider? _clock;
    private long _lookedAt;

    /// <summary>What was read goes on to be used: whoever replaces the file does the rest with what was in it.</summary>
    public T Keep()
    {
        lock (_gate)
        {
            _isKept = true;
            return _current;
        }
    }

    public T Current(TimeProvider clock, ILogger? logger)
    {
        // One thread looks, and the others go on with what there is: a file may be on a disk that hangs.
        if (_gate.TryEnter())
        {
            try
            {
                if (_clock != clock)
                {
                    (_clock, _lookedAt) = (clock, clock.GetTimestamp());
                }
                if (clock.GetElapsedTime(_lookedAt) >= LookEvery)
                {
                    Look(clock, logger);
                }
            }
            finally
            {
                _gate.Exit();
            }
        }
        return _current;
    }

    /// <summary>A member did not take this. Whether there is another by now.</summary>
    public bool IsReplaced(T refused, TimeProvider clock, ILogger? logger)
    {
        if (_current == refused && _gate.TryEnter(LookPatience))
        {
            try
            {
                if (_current == refused)
                {
                    Look(clock, logger);
                }
            }
            finally
            {
                _gate.Exit();
            }
        }
        return _current != refused;
    }

    private void Look(TimeProvider clock, ILogger? logger)
    {
        (_clock, _lookedAt) = (clock, clock.GetTimestamp());
        if (_isKept)
        {
            return;
        }
        try
        {
            var found = read();
            if (!isSame(found, _current))
            {
                _current = found;
            }
        }
        catch (BundleException error)
        {
            LogRefused(logger ?? NullLogger.Instance, error.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Sentence}; what was read of it before stays in use")]
    private static partial void LogRefused(ILogger logger, string sentence);
}
