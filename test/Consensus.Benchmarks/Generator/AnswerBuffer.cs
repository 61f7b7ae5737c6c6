namespace Consensus.Benchmarks.Generator;

internal enum ParseResult
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>One answer is there.</summary>
    Complete,

    /// <summary>These bytes are no answer that this protocol has.</summary>
    Malformed,
}

/// <summary>Collects the bytes of an answer and cuts it into status and body; each protocol has its own.</summary>
internal abstract class AnswerBuffer
{
    private byte[] _bytes = new byte[4096];

    /// <summary>As the protocol counts it.</summary>
    public int Status { get; protected set; }

    /// <summary>Valid until <see cref="Clear"/> and <see cref="DropAnswer"/>.</summary>
    public ReadOnlySpan<byte> Body => _bytes.AsSpan(BodyStart, BodyLength);

    /// <summary>Everything received so far, for a message about what went wrong.</summary>
    public ReadOnlySpan<byte> Raw => _bytes.AsSpan(0, Filled);

    /// <summary>Where the next received bytes go; <see cref="Advance"/> tells how many came.</summary>
    public Span<byte> Free
    {
        get
        {
            if (_bytes.Length - Filled < 1024)
            {
                Array.Resize(ref _bytes, _bytes.Length * 2);
            }

            return _bytes.AsSpan(Filled);
        }
    }

    protected Span<byte> Received => _bytes.AsSpan(0, Filled);

    protected int Filled { get; private set; }

    /// <summary>Where the answer that was parsed ends.</summary>
    protected int AnswerEnd { get; set; }

    protected int BodyStart { get; set; }

    protected int BodyLength { get; set; }

    public void Advance(int count) => Filled += count;

    public void Clear() => Keep(Filled);

    /// <summary>Makes what stands behind the answer the beginning of the next one.</summary>
    public void DropAnswer() => Keep(AnswerEnd);

    public abstract ParseResult Parse();

    private void Keep(int from)
    {
        _bytes.AsSpan(from, Filled - from).CopyTo(_bytes);
        Filled -= from;
        (AnswerEnd, BodyStart, BodyLength, Status) = (0, 0, 0, 0);
    }
}
