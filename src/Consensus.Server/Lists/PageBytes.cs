using System.Text;
using Consensus.Api;
using Consensus.Server.Http;

namespace Consensus.Server.Lists;

/// <summary>How large a page of JSON becomes, so that it ends in time: names and owners may be long, and a control character takes six bytes.</summary>
internal struct PageBytes
{
    /// <summary>Names of members, numbers and signs of an item.</summary>
    private const int ItemBytes = 256;

    private long _bytes;

    public readonly bool IsFull => _bytes >= ApiLimits.MaxPageBytes;

    public void AddItem() => _bytes += ItemBytes;

    public void AddText(string text) => AddText(Encoding.UTF8.GetBytes(text));

    /// <param name="text">UTF-8 that is written as a string.</param>
    public void AddText(ReadOnlySpan<byte> text) => _bytes += JsonSize.OfText(text);

    /// <summary>What is written as it is.</summary>
    public void AddRaw(int bytes) => _bytes += bytes;
}
