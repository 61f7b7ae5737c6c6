using System.Buffers;
using System.Globalization;
using Consensus.Node.Ports;
using Consensus.Security.Audit;

namespace Consensus.Server.Audit;

/// <summary>What became of a record whose asker waited for it.</summary>
/// <param name="Sequence">Its number; 0 when it is not on the disk.</param>
/// <param name="Trouble">Why it is not, as a sentence without a stop; null when it is.</param>
internal readonly record struct AuditWritten(long Sequence, string? Trouble);

/// <summary>
/// The audit log of a member. Requests hand their records over and go on: a thread of its own writes them. What cannot be written is counted
/// at once and kept nowhere, so that a disk that is full, gone or slow neither holds requests nor takes memory; when it works again one record
/// says how many are missing. Thread-safe.
/// </summary>
/// <param name="cluster">That the member belongs to, as records name it.</param>
/// <param name="mostHeldBytes">Of records that wait to be written, all together.</param>
/// <param name="say">One sentence at a time for an operator; whether it is a warning.</param>
internal sealed class AuditLog(
    IAuditFile file, string member, string cluster, TimeProvider clock, long mostHeldBytes, Action<bool, string> say) : IDisposable
{
    /// <summary>Records that wait to be written.</summary>
    public const int MostWaiting = 64 << 10;

    public const long MostFileBytes = 100L << 20;

    /// <summary>That are written at a time.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>How often the file is looked at, what was written is flushed, and a failure is tried again.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>So long a request waits for its record to be on the disk; a line that takes longer is a disk that does not answer.</summary>
    public static readonly TimeSpan WaitLimit = TimeSpan.FromSeconds(2);

    /// <summary>Records that are not urgent wait this long for others to be written with.</summary>
    private static readonly TimeSpan GatherFor = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan EndLimit = TimeSpan.FromMilliseconds(500);

    private const int GatheredEnough = 512;

    private readonly object _gate = new();
    private readonly ArrayBufferWriter<byte> _lines = new(64 << 10);
    private List<Waiting> _waiting = [];
    private List<Waiting> _taken = [];
    private Thread? _thread;
    private AuditHead _head = AuditHead.Empty;
    private volatile string? _failure;
    private long _lookedAt = clock.GetTimestamp();
    private long _busySince;
    private long _heldBytes;
    private long _written;
    private long _dropped;
    private long _unsaid;
    private bool _isUrgent;
    private bool _isEnding;
    private bool _isUnflushed;

    private readonly record struct Waiting(AuditRecord Record, TaskCompletionSource<AuditWritten>? Asker);

    /// <summary>Told about once a second on the writing thread: what is counted elsewhere becomes records.</summary>
    public Action? EachSecond { get; set; }

    /// <summary>Files are moved aside when a chunk would make them larger.</summary>
    public long RotateAtBytes { get; init; } = MostFileBytes;

    public string Path => file.Path;

    public long Written => Interlocked.Read(ref _written);

    /// <summary>Records that are not in it.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Of records that wait to be written, and are being.</summary>
    public long HeldBytes => Interlocked.Read(ref _heldBytes);

    public long MaxHeldBytes => mostHeldBytes;

    /// <summary>Why it cannot be written, as a sentence without a stop; null while it can.</summary>
    public string? Trouble => _failure ?? (IsStuck ? NotTaken : null);

    /// <summary>What an operator has to look at; null when all is well.</summary>
    public string? Alarm
    {
        get
        {
            var missing = Interlocked.Read(ref _unsaid);
            var lost = string.Create(CultureInfo.InvariantCulture, $"{missing} records are not in it");
            return Trouble is { } trouble ? $"the audit log cannot be written: {trouble}; {lost}"
                : missing > 0 ? $"the audit log is written too slowly: {lost}"
                : null;
        }
    }

    private string NotTaken => string.Create(CultureInfo.InvariantCulture, $"{file.Path} has not taken a line for {WaitLimit.TotalSeconds:0} s");

    private bool IsStuck => Interlocked.Read(ref _busySince) is var since and not 0 && clock.GetElapsedTime(since) >= WaitLimit;

    /// <summary>Opens the file and goes on behind what it ends with. Before the thread is there.</summary>
    /// <exception cref="IOException">It cannot be had: names it.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Open(string version, string levels)
    {
        var found = file.Open(out var cut);
        _head = found ?? file.HeadBefore() ?? AuditHead.Empty;
        if (found is null)
        {
            AppendHeader();
        }
        var torn = cut == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"; {cut} bytes of an unfinished line were taken away");
        Add(new AuditRecord(AuditEvent.Start, clock.GetUtcNow()) { Detail = $"version {version}, level {levels}{torn}" });
    }

    /// <param name="fatal">Told when the thread itself fails, which no disk makes it do.</param>
    public void Start(Action<string, Exception?> fatal)
    {
        _thread = GuardedThread.Of("consensus-audit", Run, fatal);
        _thread.Start();
    }

    /// <summary>Hands a record over, and never waits. False: it is counted as missing.</summary>
    public bool Add(AuditRecord record) => Add(new Waiting(record, null));

    /// <summary>Comes back when the record is on the disk, or with why it is not: at once when that is known, and after 2 s at the latest.</summary>
    public async ValueTask<AuditWritten> WriteAsync(AuditRecord record)
    {
        var asker = new TaskCompletionSource<AuditWritten>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Trouble is { } trouble)
        {
            Drop(1);
            return new AuditWritten(0, trouble);
        }
        if (!Add(new Waiting(record, asker)))
        {
            return new AuditWritten(0, Trouble ?? "more records wait than it holds");
        }
        try
        {
            return await asker.Task.WaitAsync(WaitLimit, clock);
        }
        catch (TimeoutException)
        {
            return new AuditWritten(0, NotTaken);
        }
    }

    /// <summary>Writes what waits, and that it ended; half a second at most.</summary>
    public void Dispose()
    {
        Add(new AuditRecord(AuditEvent.Stop, clock.GetUtcNow()));
        lock (_gate)
        {
            _isEnding = true;
            Monitor.Pulse(_gate);
        }
        if (_thread is null)
        {
            Turn();
            file.Dispose();
        }
        else if (_thread.Join(EndLimit))
        {
            file.Dispose();
        }
    }

    /// <summary>Writes what waits now. By the writing thread alone, and by tests that have none.</summary>
    internal void Turn()
    {
        var isTime = clock.GetElapsedTime(_lookedAt) >= LookEvery;
        if (isTime)
        {
            _lookedAt = clock.GetTimestamp();
            EachSecond?.Invoke();
        }
        lock (_gate)
        {
            (_waiting, _taken) = (_taken, _waiting);
            _isUrgent = false;
        }
        Interlocked.Exchange(ref _busySince, clock.GetTimestamp());
        try
        {
            Work(isTime);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Fail(e.Message);
        }
        Interlocked.Exchange(ref _busySince, 0);
        foreach (var (record, asker) in _taken)
        {
            Interlocked.Add(ref _heldBytes, -record.HeldBytes);
            // Of those that are written the askers are told already.
            asker?.TrySetResult(new AuditWritten(0, _failure ?? NotTaken));
        }
        _taken.Clear();
    }

    private bool Add(Waiting waiting)
    {
        var bytes = waiting.Record.HeldBytes;
        lock (_gate)
        {
            if (!_isEnding && _failure is null && _waiting.Count < MostWaiting && HeldBytes + bytes <= mostHeldBytes)
            {
                _waiting.Add(waiting);
                Interlocked.Add(ref _heldBytes, bytes);
                _isUrgent |= waiting.Asker is not null;
                if (_waiting.Count is 1 or GatheredEnough || waiting.Asker is not null)
                {
                    Monitor.Pulse(_gate);
                }
                return true;
            }
        }
        Drop(1);
        return false;
    }

    private void Run()
    {
        while (true)
        {
            bool isLast;
            lock (_gate)
            {
                if (_waiting.Count == 0 && !_isEnding)
                {
                    Monitor.Wait(_gate, LookEvery);
                }
                if (_waiting.Count is > 0 and < GatheredEnough && !_isUrgent && !_isEnding)
                {
                    Monitor.Wait(_gate, GatherFor);
                }
                isLast = _isEnding;
            }
            Turn();
            if (isLast)
            {
                return;
            }
        }
    }

    private void Work(bool isTime)
    {
        if (_failure is not null)
        {
            if (!isTime)
            {
                Drop(_taken.Count);
                return;
            }
            GoOn(null);
            (_failure, var failed) = (null, _failure);
            say(false, $"the audit log is written again, after: {failed}");
        }
        else if (isTime && LookAtFile() is { } change)
        {
            say(true, $"the audit log {file.Path} {change}; it goes on in a new file, or behind what is left");
            GoOn(change);
        }
        Write();
        if (_failure is null && _isUnflushed && (isTime || _isEnding))
        {
            file.Sync();
            _isUnflushed = false;
        }
    }

    private string? LookAtFile() => file.Look() switch
    {
        AuditFileChange.Moved => "was moved or deleted",
        AuditFileChange.Cut => "was cut",
        _ => null,
    };

    /// <summary>Opens the file anew. Whatever it ends with, what is written next follows what was written last.</summary>
    private void GoOn(string? change)
    {
        try
        {
            if (file.Open(out _) != _head)
            {
                AppendHeader();
            }
            if (change is not null)
            {
                Append([new Waiting(new AuditRecord(AuditEvent.Reopened, clock.GetUtcNow()) { Detail = $"the file {change}" }, null)], 0);
            }
        }
        catch
        {
            Drop(_taken.Count);
            throw;
        }
    }

    private void Write()
    {
        for (var next = 0; next < _taken.Count || Interlocked.Read(ref _unsaid) > 0;)
        {
            try
            {
                next = Append(_taken, next);
            }
            catch
            {
                Drop(_taken.Count - next);
                throw;
            }
            if (_failure is not null)
            {
                Drop(_taken.Count - next);
                return;
            }
        }
    }

    /// <summary>Appends one chunk of records, and before them how many are missing.</summary>
    /// <returns>The first that is not written yet.</returns>
    private int Append(List<Waiting> records, int first)
    {
        var (head, missing, next) = (_head, Interlocked.Read(ref _unsaid), first);
        _lines.ResetWrittenCount();
        if (missing > 0)
        {
            head = AuditLine.Write(_lines, member, cluster, new AuditRecord(AuditEvent.Dropped, clock.GetUtcNow()) { Count = missing }, head);
        }
        var firstSequence = head.Sequence + 1;
        var isAwaited = false;
        for (; next < records.Count && _lines.WrittenCount < ChunkBytes; next++)
        {
            head = AuditLine.Write(_lines, member, cluster, records[next].Record, head);
            isAwaited |= records[next].Asker is not null;
        }
        if (file.Length + _lines.WrittenCount > RotateAtBytes)
        {
            file.Rotate();
            _isUnflushed = false;
            file.Open(out _);
            AppendHeader();
        }
        file.Append(_lines.WrittenSpan);
        (_head, _isUnflushed) = (head, true);
        Interlocked.Add(ref _unsaid, -missing);
        Interlocked.Add(ref _written, next - first);
        if (isAwaited)
        {
            TellAskers(records, first, next, firstSequence);
        }
        return next;
    }

    /// <summary>Whether it is durable or not, these records are in the file: their askers are told which.</summary>
    private void TellAskers(List<Waiting> records, int first, int next, long firstSequence)
    {
        string? trouble = null;
        try
        {
            file.Sync();
            _isUnflushed = false;
        }
        catch (IOException e)
        {
            trouble = e.Message;
        }
        for (var i = first; i < next; i++)
        {
            records[i].Asker?.TrySetResult(new AuditWritten(trouble is null ? firstSequence + i - first : 0, trouble));
        }
        if (trouble is not null)
        {
            Fail(trouble);
        }
    }

    private void AppendHeader()
    {
        var header = new ArrayBufferWriter<byte>(256);
        AuditLine.WriteHeader(header, member, cluster, _head);
        file.Append(header.WrittenSpan);
        _isUnflushed = true;
    }

    private void Fail(string because)
    {
        file.Close();
        if (because != _failure)
        {
            say(true, $"the audit log cannot be written: {because}");
        }
        _failure = because;
    }

    private void Drop(long count)
    {
        Interlocked.Add(ref _dropped, count);
        Interlocked.Add(ref _unsaid, count);
    }
}
