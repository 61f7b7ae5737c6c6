using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Consensus.Server.Http;

/// <summary>
/// A JSON answer being written: kept per thread and used without an await between <see cref="Rent"/> and <see cref="Return"/>, so that answers allocate nothing.
/// </summary>
internal sealed class JsonBuffer
{
    private const int MostKeptBytes = 64 * 1024;

    // The answers are never part of a page: only what JSON itself needs is escaped.
    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    [ThreadStatic]
    private static JsonBuffer? _kept;

    private readonly ArrayBufferWriter<byte> _bytes = new(1024);

    private JsonBuffer() => Json = new Utf8JsonWriter(_bytes, WriterOptions);

    public Utf8JsonWriter Json { get; }

    public ReadOnlySpan<byte> Written
    {
        get
        {
            Json.Flush();
            return _bytes.WrittenSpan;
        }
    }

    public static JsonBuffer Rent()
    {
        var buffer = _kept ?? new JsonBuffer();
        _kept = null;
        return buffer;
    }

    public void Return()
    {
        if (_bytes.Capacity > MostKeptBytes)
        {
            return;
        }
        _bytes.ResetWrittenCount();
        Json.Reset();
        _kept = this;
    }
}
