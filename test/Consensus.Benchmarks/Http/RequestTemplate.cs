using System.Text;

namespace Consensus.Benchmarks.Http;

/// <summary>A prepared request with one gap of fixed length, filled on each sending.</summary>
internal sealed class RequestTemplate
{
    private readonly byte[] _bytes;
    private readonly int _gapStart;
    private readonly int _gapLength;

    /// <summary><paramref name="gap"/> is the text in <paramref name="request"/> that stands for the gap; it occurs once.</summary>
    public RequestTemplate(byte[] request, string gap)
    {
        var pattern = Encoding.UTF8.GetBytes(gap);
        _bytes = request;
        _gapStart = request.AsSpan().IndexOf(pattern);
        _gapLength = pattern.Length;
        if (_gapStart < 0)
        {
            throw new ArgumentException("The request has no such gap.", nameof(gap));
        }
    }

    /// <summary>Writes the request with <paramref name="filling"/> (exactly as long as the gap) and answers its length.</summary>
    public int Write(ReadOnlySpan<byte> filling, Span<byte> target)
    {
        if (filling.Length != _gapLength)
        {
            throw new ArgumentException("The filling is not as long as the gap.", nameof(filling));
        }

        _bytes.CopyTo(target);
        filling.CopyTo(target[_gapStart..]);
        return _bytes.Length;
    }
}
