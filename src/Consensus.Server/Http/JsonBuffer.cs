using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Consensus.Api.Packed;
using Consensus.Node.Core.Flow;
using Consensus.Server.Documents;

namespace Consensus.Server.Http;

/// <summary>
/// An answer being written, as JSON by <see cref="Json"/> or as MessagePack straight into it: kept per thread and used without an await
/// between <see cref="Rent()"/> and <see cref="Return"/>, so that small answers allocate nothing. A large
/// one lies in parts, each of which is held of the budget before it is made; without room the answer is refused, and what is written to it from there on goes nowhere.
/// </summary>
internal sealed class JsonBuffer : IBufferWriter<byte>
{
    /// <summary>An answer up to this size is one part; a larger one has parts of at least this size.</summary>
    public const int PartBytes = 32 * 1024;

    private const int FirstBytes = 1024;

    // The answers are never part of a page: only what JSON itself needs is escaped.
    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    [ThreadStatic]
    private static JsonBuffer? _kept;

    private readonly List<ReadOnlyMemory<byte>> _full = [];
    private byte[] _part = new byte[FirstBytes];
    private int _used;
    private ByteBudget? _budget;
    private bool _isUrgent, _isOwed;
    private long _held;

    private JsonBuffer() => Json = new Utf8JsonWriter(this, WriterOptions);

    public Utf8JsonWriter Json { get; }

    /// <summary>There was no room for it. What is in it is of no use.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>More than one part.</summary>
    public bool IsLarge => _full.Count > 0;

    /// <summary>All of it, in one piece: a large answer is put together for it, and is better taken in its parts.</summary>
    public ReadOnlySpan<byte> Written
    {
        get
        {
            Json.Flush();
            return IsLarge ? ToBytes(0, 0) : _part.AsSpan(0, _used);
        }
    }

    /// <summary>For what has a bound of its own.</summary>
    public static JsonBuffer Rent()
    {
        var buffer = _kept ?? new JsonBuffer();
        _kept = null;
        return buffer;
    }

    /// <param name="isUrgent">May use all of the budget.</param>
    /// <param name="isOwed">Is told whether there is room or not.</param>
    public static JsonBuffer Rent(ByteBudget budget, bool isUrgent, bool isOwed)
    {
        var buffer = Rent();
        (buffer._budget, buffer._isUrgent, buffer._isOwed) = (budget, isUrgent, isOwed);
        return buffer;
    }

    /// <summary>Writes the whole of a document. Where it cannot, nothing of it is held any more, and the buffer is of no use.</summary>
    public void Write<TDocument>(TDocument document, MediaForms form)
        where TDocument : IDocument
    {
        try
        {
            if (form == MediaForms.MessagePack)
            {
                WritePacked(document);
                return;
            }
            var json = new JsonDocumentWriter(Json);
            document.WriteTo(ref json);
            Json.Flush();
        }
        catch
        {
            LetGo();
            throw;
        }
    }

    /// <summary>As the other, of an answer of the contract.</summary>
    public void Write<T>(T answer, JsonTypeInfo<T> type, MediaForms form)
    {
        try
        {
            if (form == MediaForms.MessagePack)
            {
                PackedDocument.Write(this, answer, type);
                return;
            }
            JsonSerializer.Serialize(Json, answer, type);
        }
        catch
        {
            LetGo();
            throw;
        }
    }

    private void WritePacked<TDocument>(TDocument document)
        where TDocument : IDocument
    {
        var packed = new PackedDocumentWriter(this);
        document.WriteTo(ref packed);
        packed.Flush();
    }

    public void Return()
    {
        LetGo();
        if (_full.Count == 0 && !IsRefused)
        {
            Keep();
        }
    }

    /// <summary>All of it; what it holds is the taker's from here on. Instead of <see cref="Return"/>.</summary>
    public LargeAnswer Take()
    {
        Json.Flush();
        var answer = new LargeAnswer([.. _full, _part.AsMemory(0, _used)], _budget, _held);
        _held = 0;
        return answer;
    }

    /// <summary>Written after a beginning and before an end, as one piece of memory.</summary>
    public byte[] ToBytes(int before, int after)
    {
        Json.Flush();
        var bytes = new byte[before + _full.Sum(part => part.Length) + _used + after];
        var at = before;
        foreach (var part in _full)
        {
            part.Span.CopyTo(bytes.AsSpan(at));
            at += part.Length;
        }
        _part.AsSpan(0, _used).CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    /// <summary>Bytes that were written, without what <see cref="Json"/> still has.</summary>
    public long Length => _full.Sum(part => (long)part.Length) + _used;

    /// <summary>Puts other bytes in the place of some that were written in one piece.</summary>
    public void Overwrite(long at, ReadOnlySpan<byte> bytes)
    {
        if (IsRefused)
        {
            return;
        }
        foreach (var part in _full)
        {
            if (at < part.Length)
            {
                bytes.CopyTo(MemoryMarshal.AsMemory(part).Span[(int)at..]);
                return;
            }
            at -= part.Length;
        }
        bytes.CopyTo(_part.AsSpan((int)at));
    }

    public void Advance(int count) => _used += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var wanted = Math.Max(sizeHint, 1);
        if (_part.Length - _used < wanted)
        {
            MakeRoom(wanted);
        }
        return _part.AsMemory(_used);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    private void MakeRoom(int wanted)
    {
        if (IsRefused)
        {
            _used = 0;
            _part = _part.Length < wanted ? new byte[wanted] : _part;
        }
        else if (_full.Count == 0 && _used + wanted <= PartBytes)
        {
            Array.Resize(ref _part, Math.Clamp(_part.Length * 2, _used + wanted, PartBytes));
        }
        else
        {
            Begin(Math.Max(wanted, PartBytes));
        }
    }

    private void Begin(int bytes)
    {
        var more = bytes + (_full.Count == 0 ? _part.Length : 0L);
        if (_budget is not null && !_budget.TryHold(more, _isUrgent))
        {
            if (!_isOwed)
            {
                LetGo();
                IsRefused = true;
                _full.Clear();
                MakeRoom(bytes);
                return;
            }
            _budget.Hold(more);
        }
        _held += more;
        _full.Add(_part.AsMemory(0, _used));
        (_part, _used) = (new byte[bytes], 0);
    }

    private void LetGo()
    {
        _budget?.LetGo(_held);
        _held = 0;
    }

    private void Keep()
    {
        (_used, _budget) = (0, null);
        Json.Reset();
        _kept = this;
    }
}
