using Consensus.Security.Audit;
using Consensus.Server.Audit;

namespace Consensus.Security.Tests.Audit;

/// <summary>A file whose disk fails when it is told to.</summary>
internal sealed class FaultyAuditFile(AuditFile file) : IAuditFile
{
    private readonly ManualResetEventSlim _goesOn = new(true);
    private volatile bool _isHolding;
    private volatile string? _fault;

    /// <summary>What its disk says from here on; null: it works.</summary>
    public string? Fault { get => _fault; set => _fault = value; }

    public string? FlushFault { get; set; }

    public bool WritesHalf { get; set; }

    public int Flushes { get; private set; }

    public bool IsHolding => _isHolding;

    public string Path => file.Path;

    public long Length => file.Length;

    public void Hold() => _goesOn.Reset();

    public void Release() => _goesOn.Set();

    public AuditHead? Open(out long cut)
    {
        cut = 0;
        return Fault is { } fault ? throw new IOException(fault) : file.Open(out cut);
    }

    public AuditHead? HeadBefore() => file.HeadBefore();

    public void Append(ReadOnlySpan<byte> lines)
    {
        if (!_goesOn.IsSet)
        {
            _isHolding = true;
            _goesOn.Wait();
            _isHolding = false;
        }
        if (Fault is not { } fault)
        {
            file.Append(lines);
            return;
        }
        if (WritesHalf)
        {
            file.Append(lines[..(lines.Length / 2)]);
        }
        throw new IOException(fault);
    }

    public void Sync()
    {
        if (FlushFault is { } fault)
        {
            throw new IOException(fault);
        }
        Flushes++;
        file.Sync();
    }

    public AuditFileChange Look() => file.Look();

    public void Rotate() => file.Rotate();

    public void Close() => file.Close();

    public void Dispose()
    {
        file.Dispose();
        _goesOn.Dispose();
    }
}
