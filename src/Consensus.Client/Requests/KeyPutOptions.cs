namespace Consensus.Client;

/// <summary>Under which condition a key is written, and what it is tied to. At most one of the three conditions.</summary>
public sealed record KeyPutOptions
{
    /// <summary>Only if the key's modRevision is this one.</summary>
    public long? IfRevision { get; init; }

    /// <summary>Only if there is no such key.</summary>
    public bool IfAbsent { get; init; }

    /// <summary>Only if there is such a key.</summary>
    public bool IfExists { get; init; }

    /// <summary>The key is deleted when this lease (hexadecimal id) ends.</summary>
    public string? Lease { get; init; }
}
