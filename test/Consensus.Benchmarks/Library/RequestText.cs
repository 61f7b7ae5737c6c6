using System.Buffers.Text;

namespace Consensus.Benchmarks.Library;

/// <summary>A request that is put together from parts, in place.</summary>
internal ref struct RequestText(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>Bytes so far.</summary>
    public int Length { get; private set; }

    public void Add(ReadOnlySpan<byte> text)
    {
        text.CopyTo(_target[Length..]);
        Length += text.Length;
    }

    public void Add(long number)
    {
        _ = Utf8Formatter.TryFormat(number, _target[Length..], out var digits);
        Length += digits;
    }
}
